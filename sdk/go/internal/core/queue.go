package core

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxHeld = 10_000
	exit    = 2 * time.Second
	// A call of Shutdown this long after the last one is about another end, as in tests that start an app again and again.
	exitForgotten = 10 * time.Second
)

// Project is compared by its address.
type Project struct{ url, key string }

// queue is everything that this process has recorded and no server has acknowledged yet. Bounded, whatever servers do: of more than maxHeld
// hits the oldest of the fullest client are dropped and counted.
type queue struct {
	mu       sync.Mutex
	clients  map[settings]*client
	projects map[Project]*Project
	held     atomic.Int64
	exitBy   time.Time
}

var hits = &queue{clients: map[settings]*client{}, projects: map[Project]*Project{}}

func (q *queue) client(s settings) *client {
	q.mu.Lock()
	defer q.mu.Unlock()
	project := Project{s.url, s.key}
	if q.projects[project] == nil {
		q.projects[project] = &project
	}
	if q.clients[s] == nil {
		q.clients[s] = newClient(s, q.projects[project], q)
	}
	return q.clients[s]
}

func (q *queue) all() []*client {
	q.mu.Lock()
	defer q.mu.Unlock()
	clients := make([]*client, 0, len(q.clients))
	for _, c := range q.clients {
		clients = append(clients, c)
	}
	return clients
}

// makeRoom drops one hit, also if several are too many: each that is added calls it.
func (q *queue) makeRoom() {
	q.mu.Lock()
	defer q.mu.Unlock()
	var fullest *client
	most := 0
	for _, c := range q.clients {
		if count := c.droppable(); count > most {
			fullest, most = c, count
		}
	}
	if fullest != nil && q.held.Load() > maxHeld {
		fullest.dropOldest()
	}
}

// flush posts what waits, one try for each client. False if something is left.
func (q *queue) flush(ctx context.Context) bool {
	clients := q.all()
	sent := make(chan bool, len(clients))
	for _, c := range clients {
		go func() { sent <- c.flush(ctx) }()
	}
	all := true
	for range clients {
		select {
		case one := <-sent:
			all = all && one
		case <-ctx.Done():
			return q.held.Load() == 0
		}
	}
	return all
}

var errLeft = errors.New("api-analytics: the server has not answered for all requests that waited")

// Shutdown posts what waits, within two seconds in all, however often it is called. A server that has answered before may just be starting
// again, so it gets more tries; one that never did is probably not there, and nobody should wait for it.
func Shutdown(ctx context.Context) error {
	q := hits
	q.mu.Lock()
	if now := time.Now(); now.After(q.exitBy.Add(exitForgotten)) {
		q.exitBy = now.Add(exit)
	}
	ctx, cancel := context.WithDeadline(ctx, q.exitBy)
	q.mu.Unlock()
	defer func() {
		cancel()
		for _, c := range q.all() {
			c.connection.close()
		}
	}()
	for !q.flush(ctx) {
		everKept := false
		for _, c := range q.all() {
			everKept = everKept || c.everKept.Load()
		}
		if !everKept {
			return errLeft
		}
		select {
		case <-ctx.Done():
			return errLeft
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

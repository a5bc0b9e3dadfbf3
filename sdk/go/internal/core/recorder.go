// Package core is the client itself: hits, the queue, posting, settings. Its parts in the order of a hit's journey: an adapter watches a request
// (http.go, writer.go, or its own code), Recorder makes the hit (recorder.go, hit.go), a client holds it and posts batches (queue.go, client.go,
// post.go). It knows no framework.
package core

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// ClientGone is nginx's status for a request whose caller left before there was an answer.
const ClientGone = 499

// Recorder has the settings of one middleware, and makes hits of requests that have ended. C is what the framework's mappers take.
type Recorder[C any] struct {
	client                                     *client
	seesAddress                                bool
	path, hostname, address, userAgent, userID *mapper[C]
	failed                                     atomic.Bool
}

// NewRecorder never fails: without a usable key or address it says so once and records nothing. `config` may be nil.
func NewRecorder[C any](framework, key string, config *Config[C]) *Recorder[C] {
	var given Config[C]
	if config != nil {
		given = *config
	}
	level := toPrivacyLevel(given.PrivacyLevel)
	r := &Recorder[C]{
		seesAddress: level < 2,
		path:        newMapper("GetPath", given.GetPath),
		hostname:    newMapper("GetHostname", given.GetHostname),
		userAgent:   newMapper("GetUserAgent", given.GetUserAgent),
		userID:      newMapper("GetUserID", given.GetUserID),
	}
	if r.seesAddress {
		r.address = newMapper("GetIPAddress", given.GetIPAddress)
	}
	if key = toKey(key); key == "" {
		return r
	}
	if url := toServerURL(given.ServerURL); url != "" {
		r.client = hits.client(settings{url: url, key: key, framework: framework, release: toRelease(given.Release), privacyLevel: level})
	}
	return r
}

// Records is false if there is no key, or none that the server knows.
func (r *Recorder[C]) Records() bool {
	return r.client != nil && !r.client.stopped.Load()
}

// Project identifies what is recorded for: two middlewares with the same one must count a request once.
func (r *Recorder[C]) Project() *Project {
	return r.client.project
}

// ReadsAddress is true if an address of the framework's or the connection's is needed.
func (r *Recorder[C]) ReadsAddress() bool {
	return r.seesAddress && r.address == nil
}

// Maps is true if there are mappers.
func (r *Recorder[C]) Maps() bool {
	return r.path != nil || r.hostname != nil || r.address != nil || r.userAgent != nil || r.userID != nil
}

// Map runs the user's mappers, the last chance for which is before the framework takes back its context.
func (r *Recorder[C]) Map(d *Draft, subject C) {
	if r.path != nil {
		// A mapper may hide something in the path, so its failure must not reveal it.
		if d.Path = r.path.call(subject); d.Path == "" {
			if d.Path = d.Route; d.Path == "" {
				d.Path = "/"
			}
		}
	}
	if r.hostname != nil {
		d.Host = r.hostname.call(subject)
	}
	if r.address != nil {
		d.Address = r.address.call(subject)
	}
	if r.userAgent != nil {
		d.UserAgent = r.userAgent.call(subject)
	}
	if r.userID != nil {
		d.UserID = r.userID.call(subject)
	}
}

// Add queues the hit of a request that ends now. It never panics, and nothing of the draft is used after it.
func (r *Recorder[C]) Add(d *Draft) {
	defer r.survive()
	if d.Duration == 0 {
		d.Duration = time.Since(d.Start)
	}
	if d.Method == "HEAD" || d.Status == http.StatusNoContent || d.Status == http.StatusNotModified {
		d.ResponseSize = 0
	}
	r.client.add(d.encode())
}

// survive keeps a mistake of ours from the host. Said once: an app that fails this way does so for each request.
func (r *Recorder[C]) survive() {
	if failure := recover(); failure != nil && !r.failed.Swap(true) {
		say(slog.LevelError, "a request could not be recorded, said once")
	}
}

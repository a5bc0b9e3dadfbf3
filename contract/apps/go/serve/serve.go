// Package serve is what the apps of Go's frameworks share: the port, streams, an upgrade, and an end that lets open requests finish.
package serve

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Address is where the app listens.
func Address() string { return "127.0.0.1:" + os.Getenv("PORT") }

// Outages are printed, their ends are not.
func init() { slog.SetLogLoggerLevel(slog.LevelWarn) }

// UntilAsked waits for SIGTERM.
func UntilAsked() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	<-ctx.Done()
	stop()
}

// Run serves until SIGTERM. Whatever panics through the app is answered 500 here, as without the client.
func Run(app http.Handler, shutdown func(context.Context) error) {
	recovered := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		app.ServeHTTP(w, request)
	})
	server := &http.Server{Addr: Address(), Handler: recovered, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	UntilAsked()
	_ = server.Shutdown(context.Background())
	_ = shutdown(context.Background())
}

// Stream has three parts over 150 ms. It flushes by a type assertion, as apps with server-sent events do.
func Stream(w http.ResponseWriter, _ *http.Request) {
	for part := range 3 {
		if part > 0 {
			time.Sleep(75 * time.Millisecond)
		}
		_, _ = io.WriteString(w, "p"+string(rune('0'+part))+"\n")
		w.(http.Flusher).Flush()
	}
}

// Slow answers after a second, unless the caller leaves.
func Slow(w http.ResponseWriter, request *http.Request) {
	select {
	case <-request.Context().Done():
	case <-time.After(time.Second):
		_, _ = io.WriteString(w, "slow")
	}
}

// Endless writes each 20 ms, for two seconds or until the caller leaves.
func Endless(w http.ResponseWriter, request *http.Request) {
	for range 100 {
		if request.Context().Err() != nil {
			return
		}
		_, _ = io.WriteString(w, "part\n")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond)
	}
}

// Socket takes over the connection, by a type assertion as libraries for WebSockets do.
func Socket(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
	_ = connection.Close()
}

// Package analytics reports each request that a Gin app answers to an API Analytics server.
package analytics

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"api-analytics.local/go/internal/core"
)

// Config has the client's settings. Its mappers take Gin's context.
type Config = core.Config[*gin.Context]

// NewConfig returns a Config without settings.
func NewConfig() *Config { return &Config{} }

// Analytics is AnalyticsWithConfig with what the environment says.
func Analytics(apiKey string) gin.HandlerFunc {
	return AnalyticsWithConfig(apiKey, nil)
}

// Shutdown posts the requests that wait, and returns when the server has answered for them: at most two seconds, or until ctx is done. Call it at
// the end of the process, after the server's own. An error says that requests may be lost.
func Shutdown(ctx context.Context) error { return core.Shutdown(ctx) }

// AnalyticsWithConfig records each request. Use it before all else. An empty key is taken from API_ANALYTICS_KEY; config may be nil.
func AnalyticsWithConfig(apiKey string, config *Config) gin.HandlerFunc {
	recorder := core.NewRecorder("Gin", apiKey, config)
	return func(c *gin.Context) {
		if !recorder.Records() || recorder.IsWatched(c.Writer) {
			c.Next()
			return
		}
		w := &writer{ResponseWriter: c.Writer, project: recorder.Project(), server: c.Request.Context(), target: core.Target(c.Request), start: time.Now()}
		c.Writer = w
		defer w.end(recorder, c)
		c.Next()
		w.returned = true
	}
}

// writer is Gin's own, which knows status and size, but not whether the connection was taken over.
type writer struct {
	gin.ResponseWriter
	project            *core.Project
	server             context.Context
	target             string
	start              time.Time
	hijacked, returned bool
}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffer, err := w.ResponseWriter.Hijack()
	w.hijacked = w.hijacked || err == nil
	return connection, buffer, err
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// IsFor tells other middlewares of ours whom this one records for.
func (w *writer) IsFor(project *core.Project) bool { return w.project == project }

func (w *writer) end(recorder *core.Recorder[*gin.Context], c *gin.Context) {
	d := core.Draft{Start: w.start, Target: w.target, Route: core.FromColons(c.FullPath()), Status: w.Status(), ResponseSize: int64(w.Size())}
	if w.hijacked || d.Status == http.StatusSwitchingProtocols {
		return
	}
	if !w.Written() {
		// Gin sends it after all middleware: the status, and for a path without a route a text of its own.
		switch {
		case w.server.Err() == context.Canceled:
			d.Status = core.ClientGone
		case !w.returned:
			d.Status = http.StatusInternalServerError
		}
		if d.Route != "" {
			d.ResponseSize = 0
		}
	}
	if recorder.ReadsAddress() {
		d.Address = c.ClientIP()
	}
	d.Read(c.Request, w.Header())
	recorder.Map(&d, c)
	recorder.Add(&d)
}

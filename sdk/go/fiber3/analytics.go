// Package analytics reports each request that a Fiber app answers to an API Analytics server.
package analytics

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"api-analytics.local/go/internal/core"
)

// Config has the client's settings. Its mappers take Fiber's context, which is valid until they return.
type Config = core.Config[fiber.Ctx]

// NewConfig returns a Config without settings.
func NewConfig() *Config { return &Config{} }

// Analytics is AnalyticsWithConfig with what the environment says.
func Analytics(apiKey string) fiber.Handler {
	return AnalyticsWithConfig(apiKey, nil)
}

// Shutdown posts the requests that wait, and returns when the server has answered for them: at most two seconds, or until ctx is done. Call it at
// the end of the process, after the server's own. An error says that requests may be lost.
func Shutdown(ctx context.Context) error { return core.Shutdown(ctx) }

// AnalyticsWithConfig records each request. Use it before all else. An empty key is taken from API_ANALYTICS_KEY; config may be nil.
func AnalyticsWithConfig(apiKey string, config *Config) fiber.Handler {
	recorder := core.NewRecorder("Fiber", apiKey, config)
	return func(c fiber.Ctx) error {
		request := c.RequestCtx()
		if !recorder.Records() || request.UserValue(recorder.Project()) != nil {
			return c.Next()
		}
		w := &watch{recorder: recorder, request: request}
		w.hit.Start = time.Now()
		request.SetUserValue(recorder.Project(), w)
		defer w.returned(c)
		return c.Next()
	}
}

// watch is a value of the request. fasthttp closes it when it has written the answer, or could not: only then the status is certain, which an error
// handler may set after all middleware, and a stream has ended.
type watch struct {
	recorder *core.Recorder[fiber.Ctx]
	request  *fasthttp.RequestCtx
	hit      core.Draft
	mapped   bool
}

// returned reads what is Fiber's: after the middleware its context belongs to another request. Strings that alias its buffers are copied; those of
// fasthttp's request stay until Close.
func (w *watch) returned(c fiber.Ctx) {
	if w.request.Hijacked() { // an upgrade: not recorded
		return
	}
	d := &w.hit
	d.Route = toRoute(c)
	header := &w.request.Request.Header
	d.Target, d.Host, d.UserAgent = core.Alias(header.RequestURI()), core.Alias(header.Host()), core.Alias(header.UserAgent())
	if w.recorder.ReadsAddress() {
		d.Address = c.IP()
	}
	if w.recorder.Maps() {
		w.recorder.Map(d, c)
		d.Path, d.UserID = strings.Clone(d.Path), strings.Clone(d.UserID)
		d.Host, d.UserAgent = strings.Clone(d.Host), strings.Clone(d.UserAgent)
	}
	d.Address = strings.Clone(d.Address)
	w.mapped = true
}

// Close implements io.Closer for fasthttp.
func (w *watch) Close() error {
	if !w.mapped {
		return nil
	}
	w.mapped = false
	d, request, answer := &w.hit, &w.request.Request, &w.request.Response
	d.Status = answer.StatusCode()
	if d.Status == fasthttp.StatusSwitchingProtocols {
		return nil
	}
	d.Method = core.Alias(request.Header.Method())
	d.Referrer = core.Alias(request.Header.Referer())
	d.RequestSize = core.Unknown
	if length := request.Header.ContentLength(); length > 0 {
		d.RequestSize = int64(length)
	}
	// As it was written: negative for a stream of unknown length.
	d.ResponseSize = int64(answer.Header.ContentLength())
	if d.RequestID = core.Alias(answer.Header.Peek("X-Request-ID")); d.RequestID == "" {
		d.RequestID = core.Alias(request.Header.Peek("X-Request-ID"))
	}
	d.Cache = core.ToCache(core.Alias(answer.Header.Peek("X-Cache")), core.Alias(answer.Header.Peek("Age")))
	w.recorder.Add(d)
	return nil
}

// toRoute is the template of the route that answered. Where none did, the last one is a middleware's, which as a template would have another
// number of segments than the path.
func toRoute(c fiber.Ctx) string {
	pattern := c.Route().Path
	if !strings.ContainsAny(pattern, "*+?") && segments(pattern) != segments(c.Path()) {
		return ""
	}
	return core.FromColons(pattern)
}

func segments(path string) int {
	return strings.Count(strings.Trim(path, "/"), "/") + min(len(strings.Trim(path, "/")), 1)
}

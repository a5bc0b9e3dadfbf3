// Package analytics reports each request that an app answers to an API Analytics server, from any app on net/http. Gin, chi, Echo and Fiber have
// a package each beside it.
package analytics

import (
	"context"
	"net/http"

	"api-analytics.local/go/internal/core"
)

// Config has the client's settings. Its mappers take the request as the middleware got it.
type Config = core.Config[*http.Request]

// Middleware records each request that the handler inside it answers. Let it be the first, and put it directly around the http.ServeMux or tell
// it the routes by Routes. An empty key is taken from API_ANALYTICS_KEY; config may be nil.
func Middleware(key string, config *Config) func(http.Handler) http.Handler {
	recorder := core.NewRecorder("net/http", key, config)
	return func(next http.Handler) http.Handler {
		return &watched{recorder, next}
	}
}

// Routes tells the middleware the routes of a mux that it cannot see, because a middleware between them replaces the request (as all do that call
// WithContext) or http.StripPrefix mounts the mux: put it directly around that mux.
func Routes(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		defer core.FoundRoute(w, request)
		mux.ServeHTTP(w, request)
	})
}

// Shutdown posts the requests that wait, and returns when the server has answered for them: at most two seconds, or until ctx is done. Call it at
// the end of the process, after http.Server's Shutdown. An error says that requests may be lost.
func Shutdown(ctx context.Context) error {
	return core.Shutdown(ctx)
}

type watched struct {
	recorder *core.Recorder[*http.Request]
	next     http.Handler
}

func (h *watched) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	watch, wrapped := h.recorder.Watch(w, request)
	if watch == nil {
		h.next.ServeHTTP(w, request)
		return
	}
	defer h.end(watch, request)
	h.next.ServeHTTP(wrapped, request)
	watch.Returned()
}

func (h *watched) end(watch *core.Writer, request *http.Request) {
	address := ""
	if h.recorder.ReadsAddress() {
		address = core.Address(request)
	}
	h.recorder.End(watch, request, request, watch.Route(request), address)
}

// Package analytics reports each request that a chi app answers to an API Analytics server.
package analytics

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"api-analytics.local/go/internal/core"
)

// Config has the client's settings. Its mappers take the request as the middleware got it.
type Config = core.Config[*http.Request]

// NewConfig returns a Config without settings.
func NewConfig() *Config { return &Config{} }

// Analytics is AnalyticsWithConfig with what the environment says.
func Analytics(apiKey string) func(http.Handler) http.Handler {
	return AnalyticsWithConfig(apiKey, nil)
}

// Shutdown posts the requests that wait, and returns when the server has answered for them: at most two seconds, or until ctx is done. Call it at
// the end of the process, after the server's own. An error says that requests may be lost.
func Shutdown(ctx context.Context) error { return core.Shutdown(ctx) }

// AnalyticsWithConfig records each request of the router. Use it before all else. An empty key is taken from API_ANALYTICS_KEY; config may be nil.
func AnalyticsWithConfig(apiKey string, config *Config) func(http.Handler) http.Handler {
	recorder := core.NewRecorder("Chi", apiKey, config)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			watch, wrapped := recorder.Watch(w, request)
			if watch == nil {
				next.ServeHTTP(w, request)
				return
			}
			defer end(recorder, watch, request)
			next.ServeHTTP(wrapped, request)
			watch.Returned()
		})
	}
}

func end(recorder *core.Recorder[*http.Request], watch *core.Writer, request *http.Request) {
	var route, address string
	// Subrouters add to the pattern while they look for the handler, so it is whole only now.
	if found := chi.RouteContext(request.Context()); found != nil {
		route = core.FromBraces(found.RoutePattern())
	}
	if recorder.ReadsAddress() {
		address = core.Address(request)
	}
	recorder.End(watch, request, request, route, address)
}

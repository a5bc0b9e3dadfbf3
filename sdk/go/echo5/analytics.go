// Package analytics reports each request that an Echo app answers to an API Analytics server.
package analytics

import (
	"context"

	"github.com/labstack/echo/v5"

	"api-analytics.local/go/internal/core"
)

// Config has the client's settings. Its mappers take Echo's context.
type Config = core.Config[*echo.Context]

// NewConfig returns a Config without settings.
func NewConfig() *Config { return &Config{} }

// Analytics is AnalyticsWithConfig with what the environment says.
func Analytics(apiKey string) echo.MiddlewareFunc {
	return AnalyticsWithConfig(apiKey, nil)
}

// Shutdown posts the requests that wait, and returns when the server has answered for them: at most two seconds, or until ctx is done. Call it at
// the end of the process, after the server's own. An error says that requests may be lost.
func Shutdown(ctx context.Context) error { return core.Shutdown(ctx) }

// AnalyticsWithConfig records each request. Use it before all else. An empty key is taken from API_ANALYTICS_KEY; config may be nil.
func AnalyticsWithConfig(apiKey string, config *Config) echo.MiddlewareFunc {
	recorder := core.NewRecorder("Echo", apiKey, config)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			// Beneath Echo's own response: it also writes what the error handler says after all middleware.
			response, err := echo.UnwrapResponse(c.Response())
			if err != nil {
				return next(c) // somebody's own context, whose answers can't be seen
			}
			watch, wrapped := recorder.Watch(response.ResponseWriter, c.Request())
			if watch == nil {
				return next(c)
			}
			response.ResponseWriter = wrapped
			defer func() { end(recorder, watch, c, err) }()
			err = next(c)
			watch.Returned()
			return err
		}
	}
}

func end(recorder *core.Recorder[*echo.Context], watch *core.Writer, c *echo.Context, err error) {
	address := ""
	if recorder.ReadsAddress() {
		address = c.RealIP()
	}
	route := core.FromColons(c.Path())
	if err == nil {
		recorder.End(watch, c.Request(), c, route, address)
	} else {
		recorder.EndLater(watch, c.Request(), c, route, address)
	}
}

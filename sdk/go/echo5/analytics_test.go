package analytics

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"api-analytics.local/go/internal/sink"
)

func TestRoutesAndErrors(t *testing.T) {
	s := sink.New(t)
	c := NewConfig()
	c.ServerURL = s.URL
	c.GetUserID = func(c *echo.Context) string { return c.Get("user").(string) }
	app := echo.New()
	calls := 0
	app.HTTPErrorHandler = func(c *echo.Context, err error) {
		calls++
		if errors.Is(err, http.ErrNoCookie) {
			return // writes nothing: the server sends 200
		}
		status := 500
		if is := echo.HTTPStatusCoder(nil); errors.As(err, &is) {
			status = is.StatusCode()
		} else if errors.Is(err, http.ErrBodyNotAllowed) {
			status = 418
		}
		_ = c.String(status, "an error")
	}
	app.Use(AnalyticsWithConfig("k", c), AnalyticsWithConfig("k", c)) // counts once
	app.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Set("user", c.Request().Header.Get("X-User"))
			return next(c)
		}
	})
	app.GET("/items/:id", func(c *echo.Context) error { return c.String(200, "x") })
	app.GET("/files/*", func(c *echo.Context) error { return c.NoContent(204) })
	app.GET("/http-error", func(*echo.Context) error { return echo.NewHTTPError(422, "x") })
	app.GET("/teapot", func(*echo.Context) error { return http.ErrBodyNotAllowed })
	app.GET("/fails", func(*echo.Context) error { return errors.New("x") })
	app.GET("/silent", func(*echo.Context) error { return http.ErrNoCookie })
	app.GET("/panics", func(*echo.Context) error { panic("x") }, middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
	orgs := app.Group("/orgs/:org", middleware.RequestID())
	orgs.GET("/items/:id", func(*echo.Context) error { return nil })
	orgs.GET("/fails", func(*echo.Context) error { return errors.New("x") })
	server := httptest.NewServer(app)
	defer server.Close()
	ask := func(r *http.Request) (*http.Response, error) {
		r.URL, _ = url.Parse(server.URL + r.URL.Path)
		return http.DefaultClient.Do(r)
	}
	s.Check(t, ask, map[string]string{
		"GET /items/1": "200 /items/{id} u/items/1", "GET /files/a": "204  u/files/a", "GET /http-error": "422 /http-error u/http-error",
		"GET /teapot": "418 /teapot u/teapot", "GET /fails": "500 /fails u/fails", "GET /silent": "200 /silent u/silent",
		"GET /panics": "500 /panics u/panics", "GET /orgs/a/items/1": "200 /orgs/{org}/items/{id} u/orgs/a/items/1",
		"GET /orgs/a/fails": "500 /orgs/{org}/fails u/orgs/a/fails", "GET /nothing": "404  u/nothing",
	})
	if calls != 7 {
		t.Errorf("the error handler was called %d times for 7 errors", calls)
	}
	for _, hit := range s.Hits(t, 10) {
		if hit.Path == "/teapot" && (hit.ResponseSize == nil || *hit.ResponseSize != 8) {
			t.Errorf("the size of an error's answer: %v", hit.ResponseSize)
		}
		if hit.Address != "127.0.0.1" {
			t.Errorf("%+v", hit)
		}
	}
}

func TestAPanicGoesOn(t *testing.T) {
	s := sink.New(t)
	app := echo.New()
	app.Use(AnalyticsWithConfig("k", &Config{ServerURL: s.URL}))
	app.GET("/panics", func(*echo.Context) error { panic(http.ErrAbortHandler) })
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("it did not arrive")
		}
		if hit := s.Hits(t, 1)[0]; hit.Status != 500 || hit.Route != "/panics" {
			t.Errorf("%+v", hit)
		}
	}()
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/panics", nil))
}

package analytics

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"api-analytics.local/go/internal/sink"
)

func TestRoutesAndErrors(t *testing.T) {
	s := sink.New(t)
	c := NewConfig()
	c.ServerURL = s.URL
	c.GetUserID = func(r *http.Request) string { return r.Header.Get("X-User")[:2] }
	ok := func(http.ResponseWriter, *http.Request) {}
	app := chi.NewRouter()
	app.Use(AnalyticsWithConfig("k", c))
	app.Use(AnalyticsWithConfig("k", c)) // counts once
	app.Use(middleware.RequestID, middleware.StripSlashes)
	app.Get("/items/{id:[0-9]+}", ok)
	app.Get("/files/*", ok)
	app.With(middleware.NoCache).Get("/fails", func(http.ResponseWriter, *http.Request) { panic("x") })
	app.Route("/v1", func(r chi.Router) {
		r.Mount("/orgs/{org}", func() http.Handler {
			orgs := chi.NewRouter()
			orgs.Get("/items/{id}", ok)
			orgs.Get("/fails", func(http.ResponseWriter, *http.Request) { panic("x") })
			return orgs
		}())
	})
	outer := middleware.Recoverer(app)
	ask := func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		outer.ServeHTTP(w, r)
		if status := w.Code; r.URL.Path == "/fails" && status != 500 {
			t.Errorf("the outer recoverer saw nothing: %d", status)
		}
		return w.Result(), nil
	}
	s.Check(t, ask, map[string]string{
		"GET /items/1": "200 /items/{id} u/", "GET /items/2/": "200 /items/{id} u/", "GET /items/x": "404  u/", "POST /items/1": "405  u/",
		"GET /files/a/b": "200  u/", "GET /fails": "500 /fails u/", "GET /v1/orgs/a/items/1": "200 /v1/orgs/{org}/items/{id} u/",
		"GET /v1/orgs/a/fails": "500 /v1/orgs/{org}/fails u/", "GET /v1/orgs/a/nothing": "404  u/", "GET /nothing": "404  u/",
	})
}

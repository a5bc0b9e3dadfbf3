package analytics

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/gin-gonic/gin"

	outermost "api-analytics.local/go"
	"api-analytics.local/go/internal/sink"
)

func newApp(s *sink.Sink, before ...gin.HandlerFunc) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	c := NewConfig()
	c.ServerURL = s.URL
	c.GetUserID = func(c *gin.Context) string { return c.GetString("user") }
	app := gin.New()
	app.Use(before...)
	app.Use(AnalyticsWithConfig("k", c), AnalyticsWithConfig("k", c)) // counts once
	app.Use(func(c *gin.Context) { c.Set("user", c.GetHeader("X-User")) })
	return app
}

func TestRoutesAndErrors(t *testing.T) {
	s := sink.New(t)
	app := newApp(s, gin.RecoveryWithWriter(io.Discard))
	app.HandleMethodNotAllowed = true
	app.GET("/items/:id", func(c *gin.Context) { c.String(200, "x") })
	app.GET("/files/*path", func(*gin.Context) {})
	app.GET("/status", func(c *gin.Context) { c.Status(204) })
	app.GET("/aborts", func(c *gin.Context) { _ = c.AbortWithError(503, errors.New("x")) })
	app.GET("/fails", func(*gin.Context) { panic("x") })
	app.GET("/later", func(c *gin.Context) { c.String(201, "x"); panic("x") })
	orgs := app.Group("/orgs/:org").Group("/v1")
	orgs.GET("/items/:id", func(*gin.Context) {})
	server := httptest.NewServer(app)
	defer server.Close()
	ask := func(r *http.Request) (*http.Response, error) {
		r.URL, _ = url.Parse(server.URL + r.URL.Path)
		return http.DefaultClient.Do(r)
	}
	s.Check(t, ask, map[string]string{
		"GET /items/1": "200 /items/{id} u/items/1", "GET /files/a/b": "200 /files/{path} u/files/a/b", "GET /status": "204 /status u/status",
		"GET /aborts": "503 /aborts u/aborts", "GET /fails": "500 /fails u/fails", "GET /later": "201 /later u/later",
		"GET /orgs/a/v1/items/2": "200 /orgs/{org}/v1/items/{id} u/orgs/a/v1/items/2", "GET /nothing": "404  u/nothing", "PUT /items/3": "405  u/items/3",
	})
}

// The reverse proxy asks Gin's writer for CloseNotify, which asks the one beneath, and panics if that has none.
func TestBeneathTheMiddlewareOfNetHTTP(t *testing.T) {
	s := sink.New(t)
	target := httptest.NewServer(http.NotFoundHandler())
	defer target.Close()
	address, _ := url.Parse(target.URL)
	app := newApp(s)
	app.NoRoute(gin.WrapH(httputil.NewSingleHostReverseProxy(address)))
	server := httptest.NewServer(outermost.Middleware("k", &outermost.Config{ServerURL: s.URL})(app))
	defer server.Close()
	answer, err := http.Get(server.URL + "/proxied")
	if err != nil || answer.StatusCode != 404 {
		t.Fatal(err, answer)
	}
	if hit := s.Hits(t, 1)[0]; hit.Path != "/proxied" || hit.Status != 404 || s.Batches()[0].Framework != "net/http" {
		t.Errorf("%+v", hit)
	}
}

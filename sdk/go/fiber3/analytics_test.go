package analytics

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"api-analytics.local/go/internal/sink"
)

// listen starts the app and returns its address.
func listen(t *testing.T, app *fiber.App) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	return "http://" + listener.Addr().String()
}

func TestRoutesAndErrors(t *testing.T) {
	s := sink.New(t)
	c := NewConfig()
	c.ServerURL = s.URL
	c.GetUserID = func(c fiber.Ctx) string { return c.Get("X-User") }
	onError := func(c fiber.Ctx, err error) error {
		if errors.Is(err, http.ErrBodyNotAllowed) {
			return c.Status(418).SendString("a teapot")
		}
		return fiber.DefaultErrorHandler(c, err)
	}
	app := fiber.New(fiber.Config{ErrorHandler: onError})
	app.Use(AnalyticsWithConfig("k", c), AnalyticsWithConfig("k", c)) // counts once
	app.Use(recover.New())
	app.Get("/", func(c fiber.Ctx) error { return c.SendString("root") })
	app.Get("/items/:id<int>", func(c fiber.Ctx) error { return c.SendString("x") })
	app.Get("/files/*", func(c fiber.Ctx) error { return c.SendStatus(204) })
	app.Get("/teapot", func(fiber.Ctx) error { return http.ErrBodyNotAllowed })
	app.Get("/fails", func(fiber.Ctx) error { return errors.New("x") })
	app.Get("/panics", func(fiber.Ctx) error { panic("x") })
	orgs := app.Group("/orgs/:org", func(c fiber.Ctx) error { return c.Next() })
	orgs.Get("/items/:id", func(c fiber.Ctx) error { return c.SendString("x") })
	orgs.Get("/fails", func(fiber.Ctx) error { return fiber.NewError(409, "x") })
	address := listen(t, app)
	ask := func(r *http.Request) (*http.Response, error) {
		r.URL, _ = url.Parse(address + r.URL.Path)
		return http.DefaultClient.Do(r)
	}
	s.Check(t, ask, map[string]string{
		"GET /": "200 / u/", "GET /items/1": "200 /items/{id} u/items/1", "GET /items/x": "404  u/items/x", "GET /files/a": "204  u/files/a",
		"GET /teapot": "418 /teapot u/teapot", "GET /fails": "500 /fails u/fails", "GET /panics": "500 /panics u/panics",
		"GET /orgs/a/items/1": "200 /orgs/{org}/items/{id} u/orgs/a/items/1", "GET /orgs/a/fails": "409 /orgs/{org}/fails u/orgs/a/fails",
		"GET /orgs/a/b/nothing": "404  u/orgs/a/b/nothing", "GET /nothing": "404  u/nothing", "HEAD /items/2": "200 /items/{id} u/items/2",
	})
	for _, hit := range s.Hits(t, 12) {
		want := map[string]int64{"/": 4, "/items/1": 1, "/teapot": 8, "/items/2": 0, "/files/a": 0}
		if size, known := want[hit.Path]; known && (hit.ResponseSize == nil || *hit.ResponseSize != size) {
			t.Errorf("%s: %v bytes", hit.Path, hit.ResponseSize)
		}
		if hit.Address != "127.0.0.1" || hit.UserAgent != "Go-http-client/1.1" || hit.Hostname != "127.0.0.1" {
			t.Errorf("%+v", hit)
		}
	}
}

func TestAStreamEndsWithItsLastByte(t *testing.T) {
	s := sink.New(t)
	app := fiber.New()
	app.Use(AnalyticsWithConfig("k", &Config{ServerURL: s.URL}))
	app.Get("/stream", func(c fiber.Ctx) error {
		c.RequestCtx().SetBodyStreamWriter(func(w *bufio.Writer) {
			time.Sleep(100 * time.Millisecond)
			_, _ = w.WriteString("x")
		})
		return nil
	})
	answer, err := http.Get(listen(t, app) + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if hit := s.Hits(t, 1)[0]; hit.ResponseTime < 100 || hit.ResponseSize != nil {
		t.Errorf("%+v", hit)
	}
}

// fasthttp uses its buffers again: each hit must have the strings of its own request.
func TestNoHitHasAStringOfAnother(t *testing.T) {
	s := sink.New(t)
	app := fiber.New()
	app.Use(AnalyticsWithConfig("k", &Config{
		ServerURL: s.URL,
		GetPath:   func(c fiber.Ctx) string { return c.Path() },
		GetUserID: func(c fiber.Ctx) string { return c.Get("X-User") },
	}))
	app.All("/*", func(c fiber.Ctx) error { return c.SendString(c.Path()) })
	address := listen(t, app)
	var group sync.WaitGroup
	for worker := range 10 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range 100 {
				name := strings.Repeat(fmt.Sprint(worker), 1+i%30) + "-" + fmt.Sprint(i)
				request, _ := http.NewRequest([]string{"GET", "DELETE", "PUT"}[i%3], address+"/"+name, nil)
				request.Header.Set("User-Agent", "agent-"+name)
				request.Header.Set("Referer", "/"+name)
				request.Header.Set("X-Request-ID", name)
				request.Header.Set("X-User", name)
				if answer, err := http.DefaultClient.Do(request); err == nil {
					answer.Body.Close()
				}
			}
		}()
	}
	group.Wait()
	methods := map[string]int{}
	for _, hit := range s.Hits(t, 1000) {
		name := hit.Path[1:]
		methods[hit.Method]++
		if hit.UserAgent != "agent-"+name || hit.Referrer != hit.Path || hit.RequestID != name || hit.UserID != name {
			t.Fatalf("%+v", hit)
		}
	}
	if methods["GET"] != 340 || methods["DELETE"] != 330 || methods["PUT"] != 330 {
		t.Errorf("%v", methods)
	}
}

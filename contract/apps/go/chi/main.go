// chi 5.
package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	analytics "api-analytics.local/go/chi"
	"github.com/go-chi/chi/v5"

	"api-analytics.local/apps/serve"
)

func main() {
	app := chi.NewRouter()
	app.Use(analytics.Analytics(""))
	app.Post("/items", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, len(body))
	})
	item := func(w http.ResponseWriter, r *http.Request) {
		if chi.URLParam(r, "id") == "404" {
			http.Error(w, "no such item", http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, "item %s", chi.URLParam(r, "id"))
	}
	app.Get("/items/{id:[^/]+}", item)
	app.Head("/items/{id:[^/]+}", item)
	app.Delete("/items/{id:[^/]+}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	app.Get("/old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/items/1", http.StatusFound) })
	app.Get("/fails", func(http.ResponseWriter, *http.Request) { panic("a handler fails") })
	app.Get("/fails-later", func(http.ResponseWriter, *http.Request) {
		time.Sleep(5 * time.Millisecond)
		panic("a handler fails later")
	})
	app.Get("/stream", serve.Stream)
	app.Get("/slow", serve.Slow)
	app.Get("/endless", serve.Endless)
	app.Get("/socket", serve.Socket)
	app.Route("/orgs/{org}", func(orgs chi.Router) {
		orgs.Get("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", chi.URLParam(r, "org"), chi.URLParam(r, "id"))
		})
		orgs.Get("/fails", func(http.ResponseWriter, *http.Request) { panic("a mounted handler fails") })
	})
	serve.Run(app, analytics.Shutdown)
}

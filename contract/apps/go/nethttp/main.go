// net/http with its ServeMux.
package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	analytics "api-analytics.local/go"

	"api-analytics.local/apps/serve"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, len(body))
	})
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "404" {
			http.Error(w, "no such item", http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, "item %s", r.PathValue("id"))
	})
	mux.HandleFunc("DELETE /items/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/old", http.RedirectHandler("/items/1", http.StatusFound))
	mux.HandleFunc("/fails", func(http.ResponseWriter, *http.Request) { panic("a handler fails") })
	mux.HandleFunc("/fails-later", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		http.Error(w, "a handler fails later", http.StatusInternalServerError)
	})
	mux.HandleFunc("/stream", serve.Stream)
	mux.HandleFunc("/slow", serve.Slow)
	mux.HandleFunc("/endless", serve.Endless)
	mux.HandleFunc("/socket", serve.Socket)
	orgs := http.NewServeMux()
	orgs.HandleFunc("GET /orgs/{org}/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.PathValue("org"), r.PathValue("id"))
	})
	orgs.HandleFunc("GET /orgs/{org}/fails", func(http.ResponseWriter, *http.Request) { panic("a mounted handler fails") })
	mux.Handle("/orgs/{org}/", orgs)
	serve.Run(analytics.Middleware("", nil)(mux), analytics.Shutdown)
}

package core

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// deepest is the number of writers around each other that are looked through; one that unwraps to itself must not hold a request.
const deepest = 32

// Watch begins with a request. Without a key, or if another middleware watches it for the same project, the first result is nil; else the
// second is the writer for the app.
func (r *Recorder[C]) Watch(under http.ResponseWriter, request *http.Request) (*Writer, http.ResponseWriter) {
	if !r.Records() || r.IsWatched(under) {
		return nil, under
	}
	w, wrapped := newWriter(under)
	w.under, w.request, w.project = under, request, r.client.project
	w.start, w.target = time.Now(), Target(request)
	return w, wrapped
}

// IsWatched is true if one of the writers beneath belongs to a middleware of the same project.
func (r *Recorder[C]) IsWatched(w http.ResponseWriter) bool {
	for range deepest {
		if watched, ok := w.(interface{ IsFor(*Project) bool }); ok && watched.IsFor(r.client.project) {
			return true
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		if w = wrapper.Unwrap(); w == nil {
			return false
		}
	}
	return false
}

// IsFor tells other middlewares of ours whom this one records for.
func (w *Writer) IsFor(project *Project) bool { return w.project == project }

// Returned says that the app has returned, and not panicked.
func (w *Writer) Returned() { w.returned = true }

// End makes the hit. It belongs into a defer, where it sees panics without recovering them: they go on as they are, with their stack.
func (r *Recorder[C]) End(w *Writer, request *http.Request, subject C, route, address string) {
	defer r.survive()
	status, hasAnswer := w.outcome()
	if !hasAnswer {
		return
	}
	d := Draft{Start: w.start, Target: w.target, Route: route, Address: address, Status: status, ResponseSize: w.size}
	d.Read(request, w.Header())
	r.Map(&d, subject)
	r.Add(&d)
}

// EndLater is End for a framework whose error handler answers after all middleware. The hit is made when the server ends the request, which it
// does by cancelling its context.
func (r *Recorder[C]) EndLater(w *Writer, request *http.Request, subject C, route, address string) {
	defer r.survive()
	ctx := w.request.Context() // the server's: middlewares inside may have derived others
	if w.status != 0 || w.hijacked || ctx.Err() != nil {
		r.End(w, request, subject, route, address)
		return
	}
	d := Draft{Start: w.start, Target: w.target, Route: route, Address: address}
	d.Read(request, nil)
	r.Map(&d, subject)
	w.late = &late{}
	end := func() {
		defer r.survive()
		d.Status, d.ResponseSize = int(w.late.status.Load()), w.late.size.Load()
		if d.Status == 0 { // the error handler wrote nothing, so net/http sent this
			d.Status = http.StatusOK
		}
		if d.Status != http.StatusSwitchingProtocols {
			r.Add(&d)
		}
	}
	if ctx.Done() == nil { // no server's: a test's
		d.Status, d.ResponseSize = http.StatusInternalServerError, Unknown
		r.Add(&d)
		return
	}
	context.AfterFunc(ctx, end)
}

// outcome is the status; false if the request is not recorded.
func (w *Writer) outcome() (int, bool) {
	switch {
	case w.hijacked || w.status == http.StatusSwitchingProtocols:
		return 0, false
	case w.status != 0:
		return w.status, true
	case w.request.Context().Err() == context.Canceled:
		return ClientGone, true
	case !w.returned:
		return http.StatusInternalServerError, true
	}
	return http.StatusOK, true // net/http sends it for an app that wrote nothing
}

// Route is the template of a route of an http.ServeMux: what Routes has seen, else what the mux wrote on the request that it got from us.
func (w *Writer) Route(request *http.Request) string {
	if w.route != "" {
		return w.route
	}
	return FromMux(request.Pattern, decodePath(toPath(w.target)))
}

// FoundRoute is for Routes: `request` is what a mux got, perhaps without the prefix of its mount. The innermost mux is the first to call it.
func FoundRoute(w http.ResponseWriter, request *http.Request) {
	for range deepest {
		if watch, ok := w.(interface{ foundRoute(*http.Request) }); ok {
			watch.foundRoute(request)
			return
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = wrapper.Unwrap()
	}
}

func (w *Writer) foundRoute(request *http.Request) {
	if w.route != "" {
		return
	}
	path := request.URL.EscapedPath()
	if route := FromMux(request.Pattern, request.URL.Path); route != "" {
		if prefix, found := strings.CutSuffix(toPath(w.target), path); found {
			route = prefix + route
		}
		w.route = route
	}
}

// Read takes the fields that are the same for all frameworks on net/http. `answer` may be nil.
func (d *Draft) Read(request *http.Request, answer http.Header) {
	d.Method = request.Method
	d.Host = request.Host
	header := request.Header
	d.UserAgent = first(header["User-Agent"])
	d.Referrer = first(header["Referer"])
	d.RequestSize = Unknown
	if request.ContentLength > 0 || header["Content-Length"] != nil {
		d.RequestSize = request.ContentLength
	}
	// The app's own id, if it gives one, is the one in its log.
	if d.RequestID = first(answer["X-Request-Id"]); d.RequestID == "" {
		d.RequestID = first(header["X-Request-Id"])
	}
	d.Cache = ToCache(first(answer["X-Cache"]), first(answer["Age"]))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// Target is the path as the caller sent it: routers and middlewares change request.URL.
func Target(request *http.Request) string {
	if request.RequestURI != "" {
		return request.RequestURI
	}
	return request.URL.EscapedPath() // a request that a test made
}

// Address is the connection's, or what a middleware put in its place.
func Address(request *http.Request) string {
	if host, _, err := net.SplitHostPort(request.RemoteAddr); err == nil {
		return host
	}
	return request.RemoteAddr
}

// ToSize reads a Content-Length; one that is not a number is unknown, not an error.
func ToSize(given string) int64 {
	if size, err := strconv.ParseInt(given, 10, 64); err == nil && size >= 0 {
		return size
	}
	return Unknown
}

package core

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"
)

func encoded(t *testing.T, d Draft) map[string]any {
	t.Helper()
	var hit map[string]any
	if err := json.Unmarshal(d.encode(), &hit); err != nil {
		t.Fatalf("%v: %s", err, d.encode())
	}
	return hit
}

func TestAHitAsItIsPosted(t *testing.T) {
	start := time.Date(2026, 11, 22, 8, 26, 10, 250_001_999, time.FixedZone("", 3600))
	got := string((&Draft{
		Start: start, Duration: 1_532_499 * time.Nanosecond, Method: "GET", Target: "/items/42?secret=1#x", Route: "/items/{id}", Status: 200,
		Host: "a.example:8080", Address: "10.0.0.1", UserAgent: `a"b\c`, UserID: "ümit", Referrer: "https://b.example/?q=1",
		RequestID: "r1", Cache: "hit", RequestSize: Unknown, ResponseSize: 7,
	}).encode())
	want := `{"method":"GET","path":"/items/42","status":200,"response_time":1.532,"created_at":"2026-11-22T07:26:10.250001Z","route":"/items/{id}",` +
		`"hostname":"a.example","ip_address":"10.0.0.1","user_agent":"a\"b\\c","user_id":"ümit","referrer":"https://b.example/",` +
		`"response_size":7,"request_id":"r1","cache":"hit"}`
	if got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
}

func TestTextsOfCallers(t *testing.T) {
	for given, want := range map[string]string{
		"caf\xe9":                 "café", // Latin-1
		"tab\t\x00\x7f":           "tab\t\x00\x7f",
		"\u2028<&>":               "\u2028<&>",
		strings.Repeat("é", 2000): strings.Repeat("é", 1024),
		strings.Repeat("x", 2000): strings.Repeat("x", 1024),
	} {
		if got := encoded(t, Draft{UserAgent: given})["user_agent"]; got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	for i := range 20_000 {
		noise := make([]byte, i%50)
		for j := range noise {
			noise[j] = byte(rand.IntN(256))
		}
		got, _ := encoded(t, Draft{UserID: string(noise)})["user_id"].(string)
		if utf8.Valid(noise) && got != string(noise) {
			t.Fatalf("%q became %q", noise, got)
		}
	}
}

func TestPaths(t *testing.T) {
	for given, want := range map[string]string{
		"": "/", "/": "/", "?a": "/", "/a%20b?c": "/a b", "http://h.example/a?b": "/a", "http://h.example": "/", "*": "*",
		"/gr%C3%B6%C3%9Fe/a%2Fb": "/größe/a/b", "/%3f%23%0a%7F%25": "/%3F%23%0A%7F%", "/%FF": "/%FF", "/%zz": "/%zz",
		"/" + strings.Repeat("a", 3000): "/" + strings.Repeat("a", 2047),
	} {
		if got := encoded(t, Draft{Target: given})["path"]; got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	if got := encoded(t, Draft{Target: "/x", Path: "/a%20b?c"})["path"]; got != "/a%20b" { // a mapper's
		t.Errorf("%q", got)
	}
	for given, want := range map[string]string{"[::1]:80": "::1", "[::1]": "::1", "::1": "::1", "a:80": "a", "a": "a"} {
		if got := withoutPort(given); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}

func TestAWaitingHitIsNotChangedByAReusedBuffer(t *testing.T) {
	buffer := []byte("/items/1")
	d := Draft{Method: "GET", Target: unsafe.String(&buffer[0], len(buffer))}
	hit := d.encode()
	copy(buffer, "/SECRET!")
	(&Draft{Target: "/another"}).encode()
	if !strings.Contains(string(hit), "/items/1") {
		t.Errorf("%s", hit)
	}
}

func TestCaches(t *testing.T) {
	for _, one := range [][3]string{{"", "", ""}, {"HIT", "", "hit"}, {"hit, MISS from x", "9", "miss"}, {"odd", "", ""}, {"", "0", "hit"}} {
		if got := ToCache(one[0], one[1]); got != one[2] {
			t.Errorf("%v: %q", one, got)
		}
	}
}

func TestTemplates(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "/": "/", "items": "/items", "/items/:id": "/items/{id}", "/orgs/:org/items/:id": "/orgs/{org}/items/{id}",
		"/files/*path": "/files/{path}", "/files/*": "", "/+": "", `/a\:b`: "/a:b", "/items/:id<int;min(1)>": "/items/{id}",
		"/items/:id?": "/items/{id}", "/:from-:to": "/{from}-{to}", `/:id<regex(\d{2})>/y`: "/{id}/y", "/a:": "/a:",
	} {
		if got := FromColons(given); got != want {
			t.Errorf("%q became %q instead of %q", given, got, want)
		}
	}
	for given, want := range map[string]string{
		"/items/{id:[0-9]+}": "/items/{id}", "/{a:\\d{2,3}}/{b}": "/{a}/{b}", "/files/*": "", "/orgs/{org}/*": "", "/{path...}": "/{path}",
		"/exact/{$}": "/exact/", "/v1.2": "/v1.2", "": "",
	} {
		if got := FromBraces(given); got != want {
			t.Errorf("%q became %q instead of %q", given, got, want)
		}
	}
	for _, one := range [][3]string{
		{"GET /items/{id}", "/items/1", "/items/{id}"}, {"a.example/x", "/x", "/x"}, {"GET  b.example/y", "/y", "/y"}, {"/", "/nothing", ""},
		{"/", "/", "/"}, {"/api/", "/api/x", ""}, {"/{$}", "/", "/"}, {"", "/", ""},
	} {
		if got := FromMux(one[0], one[1]); got != one[2] {
			t.Errorf("%v: %q", one, got)
		}
	}
}

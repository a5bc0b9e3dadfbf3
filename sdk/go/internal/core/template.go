package core

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// made remembers templates by their patterns, which are an app's, and so few. Readers take no lock.
type made struct {
	mu    sync.Mutex
	known atomic.Pointer[map[string]string]
}

const maxKnown = 10_000

func (m *made) get(pattern string, make func(string) string) string {
	known := m.known.Load()
	if known != nil {
		if template, found := (*known)[pattern]; found {
			return template
		}
	}
	template := make(pattern)
	m.mu.Lock()
	defer m.mu.Unlock()
	next := map[string]string{}
	if known = m.known.Load(); known != nil && len(*known) < maxKnown {
		next = maps.Clone(*known)
	}
	next[strings.Clone(pattern)] = template
	m.known.Store(&next)
	return template
}

var fromColons, fromBraces made

// FromColons makes `/users/{id}` of `/users/:id`: Gin's, Echo's and Fiber's patterns. "" for a pattern that no template describes, because it
// has an unnamed wildcard; a named one, `*path`, is `{path}`. Constraints (`:id<int>`) and marks of optional parameters are left out.
func FromColons(pattern string) string {
	return fromColons.get(pattern, toTemplate)
}

func toTemplate(pattern string) string {
	if !strings.ContainsAny(pattern, `:*+\`) {
		return withSlash(pattern)
	}
	var made strings.Builder
	for i := 0; i < len(pattern); {
		switch c := pattern[i]; c {
		case '\\':
			if i+1 < len(pattern) {
				made.WriteByte(pattern[i+1])
			}
			i += 2
		case ':', '*', '+':
			end := i + 1
			for end < len(pattern) && isName(pattern[end]) {
				end++
			}
			if end == i+1 {
				if c == ':' {
					made.WriteByte(c)
					i++
					continue
				}
				return ""
			}
			made.WriteString("{" + pattern[i+1:end] + "}")
			if end < len(pattern) && pattern[end] == '<' {
				end = afterConstraint(pattern, end)
			}
			if end < len(pattern) && pattern[end] == '?' {
				end++
			}
			i = end
		default:
			made.WriteByte(c)
			i++
		}
	}
	return withSlash(made.String())
}

// FromBraces is for chi's patterns (`/{id:[0-9]+}`) and those of net/http (`GET /{path...}`, without method and host).
func FromBraces(pattern string) string {
	return fromBraces.get(pattern, withoutConstraints)
}

func withoutConstraints(pattern string) string {
	if !strings.ContainsAny(pattern, ":*.$") {
		return withSlash(pattern)
	}
	var made strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			return ""
		case '{':
			depth, end := 1, i+1
			for ; end < len(pattern) && depth > 0; end++ {
				if pattern[end] == '{' {
					depth++
				} else if pattern[end] == '}' {
					depth--
				}
			}
			name, _, _ := strings.Cut(pattern[i+1:end-1], ":")
			if name = strings.TrimSuffix(name, "..."); name != "$" {
				made.WriteString("{" + name + "}")
			}
			i = end - 1
		default:
			made.WriteByte(c)
		}
	}
	return withSlash(made.String())
}

// FromMux is for http.Request.Pattern. A pattern with a slash at its end matches everything below: only for the path itself is it a template.
func FromMux(pattern, path string) string {
	if at := strings.LastIndexByte(pattern, ' '); at >= 0 {
		pattern = pattern[at+1:]
	}
	slash := strings.IndexByte(pattern, '/')
	if slash < 0 {
		return ""
	}
	pattern = pattern[slash:]
	if strings.HasSuffix(pattern, "/") && pattern != path {
		return ""
	}
	if !strings.ContainsAny(pattern, ".$") {
		return pattern // as almost all are
	}
	return FromBraces(pattern)
}

func afterConstraint(pattern string, from int) int {
	for at, depth := from, 0; at < len(pattern); at++ {
		switch pattern[at] {
		case '<':
			depth++
		case '>':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return len(pattern)
}

func isName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

func withSlash(template string) string {
	if template == "" || template[0] == '/' {
		return template
	}
	return "/" + template
}

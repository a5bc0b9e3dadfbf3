package sink

import (
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"testing"
)

// Check makes the requests (`METHOD /path`, in any order) by ask, and compares each one's hit (`STATUS route user`) with the wanted one.
func (s *Sink) Check(t *testing.T, ask func(*http.Request) (*http.Response, error), want map[string]string) {
	t.Helper()
	for line := range want {
		method, path, _ := strings.Cut(line, " ")
		request, err := http.NewRequest(method, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-User", "u"+path)
		if answer, err := ask(request); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
	got := map[string]string{}
	for _, hit := range s.Hits(t, len(want)) {
		got[hit.Method+" "+hit.Path] = strings.TrimSpace(fmt.Sprintf("%d %s %s", hit.Status, hit.Route, hit.UserID))
	}
	var lines []string
	for line := range want {
		lines = append(lines, line)
	}
	sort.Strings(lines)
	for _, line := range lines {
		wanted := want[line]
		if got[line] != wanted {
			t.Errorf("%s: %q instead of %q", line, got[line], wanted)
		}
	}
}

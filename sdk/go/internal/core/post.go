package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	connectWithin  = 5 * time.Second
	tryWithin      = 15 * time.Second
	maxAnswer      = 1 << 20
	maxRetryAfter  = time.Hour
	idleConnection = 90 * time.Second
)

// connection is the kept-alive connection to a server. Its http.Client is its own: hosts replace and instrument the default one, and a client
// that watched its own posts would never come to rest. The environment's proxies are not used, as in the clients of other languages.
type connection struct {
	url, key  string
	transport *http.Transport
	client    *http.Client
}

// answer is what a server said.
type answer struct {
	status                  int
	hasAccepted             bool
	rejected                []string
	code, message, location string
	retryAfter              *time.Duration
}

func newConnection(url, key string) *connection {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: connectWithin}).DialContext,
		TLSHandshakeTimeout: connectWithin,
		MaxConnsPerHost:     1, // batches of a key are posted one after the other
		IdleConnTimeout:     idleConnection,
		DisableCompression:  true,
	}
	return &connection{url: url + "/api/requests", key: key, transport: transport, client: &http.Client{
		Transport: transport,
		// A redirect could carry the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *connection) close() {
	c.transport.CloseIdleConnections()
}

// post is one try, from connecting to the end of the answer.
func (c *connection) post(body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tryWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = http.Header{
		"Accept":           {"application/json"},
		"Content-Encoding": {"gzip"},
		"Content-Type":     {"application/json"},
		"User-Agent":       {"api-analytics-go/" + Version},
		"X-Auth-Token":     {c.key},
		// TRICKY: not sent. It lets the transport post again when the server has closed the idle connection: a batch has an id.
		"Idempotency-Key": {},
	}
	response, err := c.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no whole answer within %s", tryWithin)
		}
		// Without net/http's "Post URL:", which is said already.
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, errors.New("an answer of more than 1 MiB")
	}
	return toAnswer(response, text), nil
}

func toAnswer(response *http.Response, text []byte) *answer {
	a := &answer{
		status:     response.StatusCode,
		location:   limited(response.Header.Get("Location"), 200),
		retryAfter: toRetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return a
	}
	var accepted *int64
	a.hasAccepted = json.Unmarshal(fields["accepted"], &accepted) == nil && accepted != nil
	_ = json.Unmarshal(fields["code"], &a.code)
	_ = json.Unmarshal(fields["message"], &a.message)
	a.code, a.message = limited(a.code, 64), limited(a.message, 200)
	var rejected []struct{ Reason string }
	_ = json.Unmarshal(fields["rejected"], &rejected)
	for _, one := range rejected {
		a.rejected = append(a.rejected, limited(one.Reason, 64))
	}
	return a
}

func limited(text string, limit int) string {
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}

// toRetryAfter reads a number of seconds or a date (RFC 9110, 10.2.3).
func toRetryAfter(given string, now time.Time) *time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseFloat(given, 64); err == nil && !math.IsNaN(seconds) {
		wait = time.Duration(min(max(seconds, 0), maxRetryAfter.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(given); err == nil {
		wait = min(max(at.Sub(now), 0), maxRetryAfter)
	} else {
		return nil
	}
	return &wait
}

// toBackoff is the wait after this many failures: 1, 2, 4 ... 30 s, less up to a half.
func toBackoff(failures int) time.Duration {
	wait := min(longestWait, time.Second<<min(failures-1, 10))
	return time.Duration(float64(wait) * (0.5 + mathrand.Float64()/2))
}

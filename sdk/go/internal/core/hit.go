package core

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
	"unsafe"
)

// The server's limits in characters. A caller with a long header must fill neither this process's memory nor a batch.
const (
	maxMethod    = 32
	maxPath      = 2048
	maxHostname  = 255
	maxAddress   = 255
	maxUserAgent = 1024
	maxUserID    = 255
	maxReferrer  = 2048
	maxRequestID = 128
)

// Unknown is a size that is not known.
const Unknown = -1

// Draft is a request that has ended. Its strings may alias buffers of the framework: they are read before Recorder.Add returns.
type Draft struct {
	Start    time.Time
	Duration time.Duration
	Method   string
	// Target is the path as it was requested, with its escapes, and perhaps a query string.
	Target string
	// Path is a mapper's, sent in place of the requested one.
	Path      string
	Route     string
	Status    int
	Host      string
	Address   string
	UserAgent string
	UserID    string
	Referrer  string
	RequestID string
	// Cache is "hit", "miss" or "".
	Cache                     string
	RequestSize, ResponseSize int64
}

// Alias is a string for a Draft without a copy, valid as long as the buffer.
func Alias(buffer []byte) string {
	return unsafe.String(unsafe.SliceData(buffer), len(buffer))
}

var scratch = sync.Pool{New: func() any { return new([1024]byte) }}

// encode makes the hit as it is posted. A waiting hit is these bytes and nothing else: no request is kept alive by it, no header block by a
// user agent that was cut from it, and no buffer that its framework uses again.
func (d *Draft) encode() []byte {
	buffer := scratch.Get().(*[1024]byte)
	made := d.append(buffer[:0])
	hit := make([]byte, len(made))
	copy(hit, made)
	scratch.Put(buffer)
	return hit
}

func (d *Draft) append(b []byte) []byte {
	method := d.Method
	if method == "" {
		method = "GET"
	}
	b = append(b, `{"method":`...)
	b = appendText(b, method, maxMethod)
	b = append(b, `,"path":`...)
	if d.Path != "" {
		b = appendText(b, toPath(d.Path), maxPath)
	} else {
		b = appendText(b, decodePath(toPath(d.Target)), maxPath)
	}
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(d.Status), 10)
	b = append(b, `,"response_time":`...)
	b = appendMilliseconds(b, d.Duration)
	b = append(b, `,"created_at":"`...)
	b = time.UnixMicro(d.Start.UnixMicro()).UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendField(b, `,"route":`, d.Route, maxPath)
	b = appendField(b, `,"hostname":`, withoutPort(d.Host), maxHostname)
	b = appendField(b, `,"ip_address":`, d.Address, maxAddress)
	b = appendField(b, `,"user_agent":`, d.UserAgent, maxUserAgent)
	b = appendField(b, `,"user_id":`, d.UserID, maxUserID)
	b = appendField(b, `,"referrer":`, withoutQuery(d.Referrer), maxReferrer)
	b = appendSize(b, `,"request_size":`, d.RequestSize)
	b = appendSize(b, `,"response_size":`, d.ResponseSize)
	b = appendField(b, `,"request_id":`, d.RequestID, maxRequestID)
	b = appendField(b, `,"cache":`, d.Cache, maxMethod)
	return append(b, '}')
}

func appendField(b []byte, name, value string, limit int) []byte {
	if value == "" {
		return b
	}
	return appendText(append(b, name...), value, limit)
}

func appendSize(b []byte, name string, size int64) []byte {
	if size < 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), size, 10)
}

// appendMilliseconds has three decimals.
func appendMilliseconds(b []byte, duration time.Duration) []byte {
	us := max(duration.Microseconds(), 0)
	b = append(strconv.AppendInt(b, us/1000, 10), '.')
	us %= 1000
	return append(b, byte('0'+us/100), byte('0'+us/10%10), byte('0'+us%10))
}

// appendText adds a JSON string of at most `limit` characters.
func appendText(b []byte, text string, limit int) []byte {
	b = append(b, '"')
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendEscaped(b, text, limit)
		}
	}
	return append(append(b, text[:min(len(text), limit)]...), '"')
}

// appendEscaped reads bytes that are not UTF-8 as Latin-1, as RFC 9110 lets both happen.
func appendEscaped(b []byte, text string, limit int) []byte {
	isLatin1 := !utf8.ValidString(text)
	for i, count := 0, 0; i < len(text) && count < limit; count++ {
		r, width := rune(text[i]), 1
		if !isLatin1 {
			r, width = utf8.DecodeRuneInString(text[i:])
		}
		i += width
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// toPath removes the query string, which holds data that nobody wants to keep, and the host of a request to a proxy.
func toPath(target string) string {
	path := withoutQuery(target)
	if strings.HasPrefix(path, "/") {
		return path
	}
	if at := strings.Index(path, "://"); at > 0 {
		rest := path[at+3:]
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			return rest[slash:]
		}
		return "/"
	}
	if path == "" {
		return "/"
	}
	return path
}

// decodePath removes the escapes of a path, but for those that would end a path or a line. One that is not UTF-8 stays as it came.
func decodePath(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) {
		return path
	}
	ends := func(r rune) bool { return r == '?' || r == '#' || r < ' ' || r == 0x7f }
	if strings.IndexFunc(decoded, ends) < 0 {
		return decoded
	}
	var made strings.Builder
	for _, r := range decoded {
		if ends(r) {
			fmt.Fprintf(&made, "%%%02X", r)
		} else {
			made.WriteRune(r)
		}
	}
	return made.String()
}

// withoutQuery cuts at the first `?` or `#`.
func withoutQuery(address string) string {
	if at := strings.IndexByte(address, '?'); at >= 0 {
		address = address[:at]
	}
	if at := strings.IndexByte(address, '#'); at >= 0 {
		address = address[:at]
	}
	return address
}

// withoutPort makes `example.com` of `example.com:8080`, and `::1` of `[::1]:8080`.
func withoutPort(host string) string {
	if strings.HasPrefix(host, "[") {
		name, _, _ := strings.Cut(host[1:], "]")
		return name
	}
	if at := strings.IndexByte(host, ':'); at >= 0 && strings.LastIndexByte(host, ':') == at {
		return host[:at]
	}
	return host
}

// ToCache tells from an answer's headers whether a cache had it: the last in X-Cache is nearest to the caller, an Age says that the answer was
// kept somewhere (RFC 9111).
func ToCache(xCache, age string) string {
	if xCache != "" {
		nearest := strings.ToLower(xCache[strings.LastIndexByte(xCache, ',')+1:])
		if strings.Contains(nearest, "hit") {
			return "hit"
		}
		if strings.Contains(nearest, "miss") {
			return "miss"
		}
	}
	if age != "" {
		return "hit"
	}
	return ""
}

package core

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	defaultServerURL = "http://127.0.0.1:8080"
	maxRelease       = 100
	maxKey           = 512
)

// Config says how a request becomes a hit. It is read once, when the middleware is made. A mapper takes the framework's request or context
// after its handler has returned; one that is nil leaves the field to the client, and "" leaves the field empty.
type Config[C any] struct {
	// PrivacyLevel 0 sends the caller's address, kept by the server; 1 sends it for the country only; 2 never reads it. Any other counts as 2.
	PrivacyLevel int
	// ServerURL is the server's address. Else API_ANALYTICS_SERVER_URL, else http://127.0.0.1:8080.
	ServerURL string
	// GetPath returns the path to store. If it fails, the route is stored, never the requested path.
	GetPath func(C) string
	// GetHostname returns the host name instead of the Host header's.
	GetHostname func(C) string
	// GetIPAddress returns the caller's address. Not called at privacy level 2.
	GetIPAddress func(C) string
	// GetUserAgent returns the user agent instead of the User-Agent header.
	GetUserAgent func(C) string
	// GetUserID returns who calls: an account, the name of an API key (never the secret itself).
	GetUserID func(C) string
	// Release is the app's version, such as v2.4.1 or a commit. Else API_ANALYTICS_RELEASE, else none.
	Release string
}

// settings identify a client: apps of one process with equal ones share it.
type settings struct {
	url, key, framework, release string
	privacyLevel                 int
}

// toKey removes the blanks and quotes that copying leaves around a key. "" if there is none that a header can hold.
func toKey(given string) string {
	key := strings.TrimSpace(strings.Trim(strings.TrimSpace(orEnvironment(given, "API_ANALYTICS_KEY")), `"'`))
	if key == "" {
		sayOnce(slog.LevelWarn, "no key given and no API_ANALYTICS_KEY in the environment: nothing is recorded")
		return ""
	}
	if len(key) > maxKey || strings.IndexFunc(key, func(r rune) bool { return r < '!' || r > '~' }) >= 0 {
		sayOnce(slog.LevelWarn, "the key holds characters that no key has: nothing is recorded")
		return ""
	}
	return key
}

// toServerURL returns the address that posts go to, without a slash at its end. "" if it cannot be one.
func toServerURL(given string) string {
	chosen := strings.TrimSpace(orEnvironment(given, "API_ANALYTICS_SERVER_URL"))
	if chosen == "" {
		sayOnce(slog.LevelInfo, "posting to "+defaultServerURL+", as neither ServerURL nor API_ANALYTICS_SERVER_URL is set")
		return defaultServerURL
	}
	address, err := url.Parse(chosen)
	switch {
	case err != nil || address.Hostname() == "" || (address.Scheme != "http" && address.Scheme != "https"):
		// Without the address: it may hold a password.
		sayOnce(slog.LevelWarn, "the server's address cannot be used, nothing is recorded: it must look like http://host:port or https://host")
	case address.User != nil || address.RawQuery != "" || address.Fragment != "":
		sayOnce(slog.LevelWarn, "the server's address cannot be used, nothing is recorded: it must have no user, password, query or fragment")
	default:
		return strings.TrimRight(address.String(), "/")
	}
	return ""
}

// toPrivacyLevel returns 0, 1 or 2. The server reads an unknown level as 2 too, but then it has seen the address.
func toPrivacyLevel(given int) int {
	if given >= 0 && given <= 2 {
		return given
	}
	sayOnce(slog.LevelWarn, "the privacy level must be 0, 1 or 2: using 2, the most private")
	return 2
}

// toRelease returns the app's version; "" if there is none, or none that the server would use.
func toRelease(given string) string {
	release := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(orEnvironment(given, "API_ANALYTICS_RELEASE"), "")))
	if utf8.RuneCountInString(release) > maxRelease {
		sayOnce(slog.LevelWarn, fmt.Sprintf("the release is longer than %d characters: it is not posted", maxRelease))
		return ""
	}
	return release
}

func orEnvironment(given, name string) string {
	if strings.TrimSpace(given) != "" {
		return given
	}
	return os.Getenv(name)
}

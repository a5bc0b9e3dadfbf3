package core

import (
	"context"
	"log/slog"
	"sync"
)

const prefix = "api-analytics: "

// say logs to the host's default logger, as it is now. A handler that panics must not end the host through us.
func say(level slog.Level, message string) {
	defer func() { _ = recover() }()
	slog.Default().Log(context.Background(), level, prefix+message)
}

var told sync.Map

// sayOnce is for the settings of the process: the same message is said once, however many middlewares are made.
func sayOnce(level slog.Level, message string) {
	if _, said := told.LoadOrStore(message, true); !said {
		say(level, message)
	}
}

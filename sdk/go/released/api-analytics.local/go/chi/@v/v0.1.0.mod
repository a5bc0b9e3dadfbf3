module api-analytics.local/go/chi

go 1.23.0

require (
	api-analytics.local/go v0.1.0
	github.com/go-chi/chi/v5 v5.0.10
)

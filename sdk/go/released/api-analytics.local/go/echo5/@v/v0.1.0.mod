module api-analytics.local/go/echo5

go 1.25.0

require (
	api-analytics.local/go v0.1.0
	github.com/labstack/echo/v5 v5.3.1
)

require golang.org/x/time v0.15.0 // indirect

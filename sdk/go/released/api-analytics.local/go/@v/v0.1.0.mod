module api-analytics.local/go

go 1.23.0

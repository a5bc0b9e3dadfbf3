// Echo 5.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	analytics "api-analytics.local/go/echo5"
	"github.com/labstack/echo/v5"

	"api-analytics.local/apps/serve"
)

func main() {
	app := echo.New()
	app.Use(analytics.Analytics(""))
	app.POST("/items", func(c *echo.Context) error {
		body, _ := io.ReadAll(c.Request().Body)
		return c.String(http.StatusCreated, fmt.Sprint(len(body)))
	})
	item := func(c *echo.Context) error {
		if c.Param("id") == "404" {
			return echo.NewHTTPError(http.StatusNotFound, "no such item")
		}
		return c.String(http.StatusOK, "item "+c.Param("id"))
	}
	app.GET("/items/:id", item)
	app.HEAD("/items/:id", item)
	app.DELETE("/items/:id", func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) })
	app.GET("/old", func(c *echo.Context) error { return c.Redirect(http.StatusFound, "/items/1") })
	app.GET("/fails", func(*echo.Context) error { panic("a handler fails") })
	app.GET("/fails-later", func(*echo.Context) error {
		time.Sleep(5 * time.Millisecond)
		return errors.New("a handler fails later")
	})
	app.GET("/stream", with(serve.Stream))
	app.GET("/slow", func(c *echo.Context) error {
		select {
		case <-c.Request().Context().Done():
			return c.Request().Context().Err()
		case <-time.After(time.Second):
			return c.String(http.StatusOK, "slow")
		}
	})
	app.GET("/endless", with(serve.Endless))
	app.GET("/socket", with(serve.Socket))
	orgs := app.Group("/orgs/:org")
	orgs.GET("/items/:id", func(c *echo.Context) error { return c.String(http.StatusOK, c.Param("org")+" "+c.Param("id")) })
	orgs.GET("/fails", func(*echo.Context) error { return errors.New("a mounted handler fails") })
	serve.Run(app, analytics.Shutdown)
}

func with(handler http.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		handler(c.Response(), c.Request())
		return nil
	}
}

// Gin 1.
package main

import (
	"io"
	"net/http"
	"time"

	analytics "api-analytics.local/go/gin"
	"github.com/gin-gonic/gin"

	"api-analytics.local/apps/serve"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	app := gin.New()
	app.Use(analytics.Analytics(""))
	app.POST("/items", func(c *gin.Context) {
		body, _ := io.ReadAll(c.Request.Body)
		c.String(http.StatusCreated, "%d", len(body))
	})
	item := func(c *gin.Context) {
		if c.Param("id") == "404" {
			c.String(http.StatusNotFound, "no such item")
			return
		}
		c.String(http.StatusOK, "item %s", c.Param("id"))
	}
	app.GET("/items/:id", item)
	app.HEAD("/items/:id", item)
	app.DELETE("/items/:id", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	app.GET("/old", func(c *gin.Context) { c.Redirect(http.StatusFound, "/items/1") })
	app.GET("/fails", func(*gin.Context) { panic("a handler fails") })
	app.GET("/fails-later", func(c *gin.Context) {
		time.Sleep(5 * time.Millisecond)
		_ = c.AbortWithError(http.StatusInternalServerError, io.ErrUnexpectedEOF)
	})
	app.GET("/stream", with(serve.Stream))
	app.GET("/slow", with(serve.Slow))
	app.GET("/endless", with(serve.Endless))
	app.GET("/socket", with(serve.Socket))
	orgs := app.Group("/orgs/:org")
	orgs.GET("/items/:id", func(c *gin.Context) { c.String(http.StatusOK, "%s %s", c.Param("org"), c.Param("id")) })
	orgs.GET("/fails", func(*gin.Context) { panic("a mounted handler fails") })
	serve.Run(app, analytics.Shutdown)
}

func with(handler http.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) { handler(c.Writer, c.Request) }
}

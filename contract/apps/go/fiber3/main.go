// Fiber 3.
package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	analytics "api-analytics.local/go/fiber3"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"api-analytics.local/apps/serve"
)

func main() {
	app := fiber.New()
	app.Use(analytics.Analytics(""))
	app.Use(recover.New()) // fasthttp has none of its own: a panic would end the process
	app.Post("/items", func(c fiber.Ctx) error {
		return c.Status(http.StatusCreated).SendString(strconv.Itoa(len(c.Body())))
	})
	app.Get("/items/:id<minLen(1)>", func(c fiber.Ctx) error {
		if c.Params("id") == "404" {
			return fiber.NewError(http.StatusNotFound, "no such item")
		}
		return c.SendString("item " + c.Params("id"))
	})
	app.Delete("/items/:id", func(c fiber.Ctx) error { return c.SendStatus(http.StatusNoContent) })
	app.Get("/old", func(c fiber.Ctx) error { return c.Redirect().Status(http.StatusFound).To("/items/1") })
	app.Get("/fails", func(fiber.Ctx) error { panic("a handler fails") })
	app.Get("/fails-later", func(fiber.Ctx) error {
		time.Sleep(5 * time.Millisecond)
		return errors.New("a handler fails later")
	})
	app.Get("/stream", func(c fiber.Ctx) error {
		c.RequestCtx().SetBodyStreamWriter(func(w *bufio.Writer) {
			for part := range 3 {
				if part > 0 {
					time.Sleep(75 * time.Millisecond)
				}
				_, _ = w.WriteString("p" + strconv.Itoa(part) + "\n")
				_ = w.Flush()
			}
		})
		return nil
	})
	app.Get("/endless", func(c fiber.Ctx) error {
		c.RequestCtx().SetBodyStreamWriter(func(w *bufio.Writer) {
			for range 100 {
				_, _ = w.WriteString("part\n")
				if w.Flush() != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		return nil
	})
	app.Get("/socket", func(c fiber.Ctx) error {
		c.RequestCtx().HijackSetNoResponse(true)
		c.RequestCtx().Hijack(func(connection net.Conn) {
			_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
		})
		return nil
	})
	orgs := app.Group("/orgs/:org")
	orgs.Get("/items/:id", func(c fiber.Ctx) error { return c.SendString(c.Params("org") + " " + c.Params("id")) })
	orgs.Get("/fails", func(fiber.Ctx) error { panic("a mounted handler fails") })

	go func() {
		if err := app.Listen(serve.Address(), fiber.ListenConfig{DisableStartupMessage: true}); err != nil {
			log.Fatal(err)
		}
	}()
	serve.UntilAsked()
	_ = app.Shutdown()
	_ = analytics.Shutdown(context.Background())
}

// Command server answers every request, and ends when it has answered the last one.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stopped, forget := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer forget()

	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "hello") })
	server := &http.Server{Addr: ":" + os.Getenv("PORT")}
	done := make(chan error, 1)
	go func() {
		<-stopped.Done()
		done <- server.Shutdown(context.Background())
	}()

	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	if err := <-done; err != nil {
		log.Fatal(err)
	}
}

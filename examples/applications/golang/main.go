// Three pages. SIGTERM ends it when all answers are complete.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	version := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *version {
		fmt.Println("server 1.0, token known:", os.Getenv("API_TOKEN") != "")
		return
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello from golang") })
	http.HandleFunc("/limits", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, os.Getenv("GOMEMLIMIT"), os.Getenv("GOMAXPROCS"))
	})
	http.HandleFunc("/secret", secret)
	http.HandleFunc("/slow", slow)

	listener, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{}
	done := make(chan error)
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		<-stop.Done()
		done <- server.Shutdown(context.Background())
	}()
	log.Print("listening")
	if err := server.Serve(listener); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	if err := <-done; err != nil {
		log.Fatal(err)
	}
}

func secret(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+os.Getenv("API_TOKEN") {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	fmt.Fprintln(w, "welcome")
}

func slow(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "begun")
	w.(http.Flusher).Flush()
	time.Sleep(2 * time.Second)
	fmt.Fprintln(w, "done")
}

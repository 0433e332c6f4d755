// A receiver in Go: WEBHOOK_SECRET=whsec_… go run .
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type event struct {
	PipelineID any    `json:"pipeline_id"`
	Sequence   int    `json:"sequence"`
	Type       string `json:"event_type"`
	Challenge  string `json:"challenge"`
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	var seen sync.Map // on disk, or in your database, where it outlives a restart

	take := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)) // the very bytes that were signed
		if err != nil || webhook.Verify(body, r.Header) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var e event
		if err := json.Unmarshal(body, &e); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if e.Type == "PING" { // an operator tests the subscription, perhaps with a challenge
			fmt.Fprint(w, e.Challenge)
			return
		}
		if _, known := seen.LoadOrStore(r.Header.Get("webhook-id"), true); !known {
			fmt.Printf("%v #%d %s\n", e.PipelineID, e.Sequence, e.Type) // start the work; do not wait for it
		}
		w.WriteHeader(http.StatusNoContent)
	}

	listener, err := net.Listen("tcp", ":"+port())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening at %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, http.HandlerFunc(take)))
}

func port() string {
	if port := os.Getenv("PORT"); port != "" {
		return port
	}
	return "8000"
}

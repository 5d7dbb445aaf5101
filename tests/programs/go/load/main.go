// Paced HTTP load. Usage: load URL RATE SECONDS CONNECTIONS [DISTINCT [BODY]]
//
// Sends RATE requests a second in all (0 = as fast as they are answered), spread over keep-alive connections, each to
// a path of its own when DISTINCT is 1 and with BODY bytes of body when that is not 0, and prints as JSON how many were sent and answered, and the latencies.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

type outcome struct {
	sent, answered int
	latencies      []time.Duration
}

func number(index int) int {
	if index >= len(os.Args) {
		return 0
	}
	value, err := strconv.Atoi(os.Args[index])
	if err != nil {
		panic(err)
	}
	return value
}

func drive(target *url.URL, first, step, total int, interval time.Duration, until time.Time, distinct bool, body string) outcome {
	var result outcome
	connection, err := net.Dial("tcp", target.Host)
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	start := time.Now()
	for n := 0; (total == 0 || first+n*step < total) && time.Now().Before(until); n++ {
		due := start.Add(time.Duration(n) * interval)
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		path := "/"
		if distinct {
			path = fmt.Sprintf("/item/%d", first+n*step)
		}
		begun := time.Now()
		head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n", path, target.Host)
		if len(body) > 0 {
			head = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", path, target.Host, len(body))
		}
		if _, err := io.WriteString(connection, head+body); err != nil {
			panic(err)
		}
		result.sent++
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			panic(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			panic(err)
		}
		result.answered++
		result.latencies = append(result.latencies, time.Since(begun))
	}
	return result
}

func main() {
	target, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	rate, seconds, connections := number(2), number(3), number(4)
	distinct := number(5) != 0
	body := strings.Repeat("b", number(6))
	until := time.Now().Add(time.Duration(seconds)*time.Second + 10*time.Second)
	total, interval := 0, time.Duration(0)
	if rate > 0 {
		total = rate * seconds
		interval = time.Duration(connections) * time.Second / time.Duration(rate)
	} else {
		until = time.Now().Add(time.Duration(seconds) * time.Second)
	}
	outcomes := make([]outcome, connections)
	var group sync.WaitGroup
	begun := time.Now()
	for c := range outcomes {
		group.Add(1)
		go func(c int) {
			defer group.Done()
			time.Sleep(interval * time.Duration(c) / time.Duration(connections))
			outcomes[c] = drive(target, c, connections, total, interval, until, distinct, body)
		}(c)
	}
	group.Wait()
	elapsed := time.Since(begun)
	var all outcome
	for _, one := range outcomes {
		all.sent += one.sent
		all.answered += one.answered
		all.latencies = append(all.latencies, one.latencies...)
	}
	sort.Slice(all.latencies, func(i, j int) bool { return all.latencies[i] < all.latencies[j] })
	quantile := func(q float64) float64 {
		return float64(all.latencies[int(q*float64(len(all.latencies)-1))].Microseconds())
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"sent": all.sent, "answered": all.answered, "seconds": elapsed.Seconds(),
		"p50Micros": quantile(0.5), "p99Micros": quantile(0.99),
	})
}

// HTTP client on net/http. Usage: client URL COUNT
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	count, _ := strconv.Atoi(os.Args[2])
	right := 0
	for n := 0; n < count; n++ {
		body := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, n, strings.Repeat("g", n%50))
		response, err := http.Post(fmt.Sprintf("%s/echo/%d", os.Args[1], n), "application/json", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(answer) == body {
			right++
		}
	}
	fmt.Println(right)
}

# HTTP client on net/http. Usage: ruby client.rb URL COUNT
require "json"
require "net/http"

url = URI(ARGV[0])
right = 0
Net::HTTP.start(url.host, url.port) do |http|
  ARGV[1].to_i.times do |n|
    body = JSON.generate({ n: n, pad: "r" * (n % 50) })
    right += 1 if http.post("/echo/#{n}", body, "Content-Type" => "application/json").body == body
  end
end
puts right

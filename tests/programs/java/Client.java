import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** HTTP client on java.net.http. Usage: java Client.java URL COUNT */
public class Client {
    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        int right = 0;
        for (int n = 0; n < Integer.parseInt(args[1]); n++) {
            String body = "{\"n\":" + n + ",\"pad\":\"" + "j".repeat(n % 50) + "\"}";
            HttpRequest request = HttpRequest.newBuilder(URI.create(args[0] + "/echo/" + n))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
            if (client.send(request, HttpResponse.BodyHandlers.ofString()).body().equals(body)) right++;
        }
        System.out.println(right);
    }
}

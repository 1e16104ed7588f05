import StreamSources
import Testing

@Suite("Strict URIs")
struct StrictURITests {
    /// Source of the right values: an origin is scheme, host and port (RFC 6454, section 4).
    ///
    /// The change from HTTP to HTTPS at the same server is the one exception.
    @Test(
        "credentials follow a redirect to the same origin, and from HTTP to HTTPS of the same server only",
        arguments: [
            ("http://cam/1", "http://cam/2", true), ("http://cam/1", "http://CAM.:80/2", true),
            ("http://cam/1", "https://cam/1", true), ("http://cam:80/1", "https://cam:443/1", true),
            ("http://cam:8080/1", "https://cam:8080/1", true),
            ("http://cam/1", "https://cam:8443/1", false), ("http://cam:80/1", "https://cam:444/1", false),
            ("http://cam:8080/1", "https://cam/1", false), ("http://cam:8080/1", "http://cam/1", false),
            ("https://cam/1", "http://cam/1", false), ("https://cam:80/1", "http://cam:80/1", false),
            ("https://cam/1", "https://cam:444/1", false), ("http://cam/1", "http://cam.example/1", false),
        ])
    func credentials(_ from: String, _ to: String, _ mayFollow: Bool) throws {
        #expect(try StrictURI(to).mayGetCredentials(of: StrictURI(from)) == mayFollow)
    }
}

import HTTPTypes
import HummingbirdCore
import NIOCore

extension RequestHandler {
    /// Answers with a file of the web page, or 304 if the client already has it; throws 404 for an unknown name.
    func page(_ name: String, _ headers: HTTPFields) throws(Refusal) -> Response {
        guard let file = page[name] else {
            throw Refusal(404, "not-found", page.problem.map { "the page is not installed: \($0)" } ?? "no such file")
        }
        var fields: HTTPFields = [
            .contentType: file.type, .eTag: file.tag, .cacheControl: "no-cache",
            .contentSecurityPolicy: PageFiles.policy,
        ]
        fields["Referrer-Policy"] = "no-referrer"
        fields["Cross-Origin-Opener-Policy"] = "same-origin"
        if Self.names(headers[.ifNoneMatch], file.tag) { return Response(status: .notModified, headers: fields) }
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: file.body))
    }

    /// Returns true if `If-None-Match` contains a validator; weak ones count, as RFC 9110 requires.
    private static func names(_ given: String?, _ tag: String) -> Bool {
        guard let given else { return false }
        return given.split(separator: ",").contains { part in
            let text = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            return String(text) == "*" || String(text) == tag || String(text) == "W/" + tag
        }
    }
}

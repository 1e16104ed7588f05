import Foundation
import Printing
import WireFormat

/// The body of an alert with its picture, for services that take one.
struct PicturedBody {
    /// Bytes of a picture, at most; with a larger one an alert goes without.
    static let mostPicture = 1 << 20

    let data: Data
    let contentType: String
    /// Headers besides, of ntfy.
    private(set) var headers: [String: String] = [:]

    /// Nil where there is no place for a picture.
    init?(_ notice: Notice, _ format: NotifyFormat, _ context: NoticeContext, picture: Data) {
        guard case .alert = notice, picture.count <= Self.mostPicture else { return nil }
        let text = notice.text(context)
        switch format {
        case .ntfy:
            (data, contentType) = (picture, "image/jpeg")
            headers = [
                "Title": Self.word(text.title.excerpt(240)), "Message": Self.word(text.rest.excerpt(1000)),
                "Priority": notice.isUrgent ? "4" : "3", "Filename": Self.filename,
            ]
        case .telegram:
            (data, contentType) = Self.form([
                Part(name: "chat_id", data: Data((context.chat ?? "").utf8)),
                Part(name: "caption", data: Data(text.whole.excerpt(1000).utf8)),
                Part(name: "photo", filename: Self.filename, type: "image/jpeg", data: picture),
            ])
        case .discord:
            guard let body = try? WireCoding.encode(NotifyFormat.discord(text)) else { return nil }
            (data, contentType) = Self.form([
                Part(name: "payload_json", type: "application/json", data: body),
                Part(name: "files[0]", filename: Self.filename, type: "image/jpeg", data: picture),
            ])
        case .cloudevents, .mqtt, .slack, .gotify: return nil
        }
    }

    private static let filename = "event.jpg"

    private struct Part {
        let name: String
        var filename: String?
        var type: String?
        let data: Data
    }

    /// `multipart/form-data`.
    private static func form(_ parts: [Part]) -> (Data, String) {
        let boundary = "watchword-\(UUID().uuidString)"
        var data = Data()
        for part in parts {
            var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part.name)\""
            if let filename = part.filename { head += "; filename=\"\(filename)\"" }
            if let type = part.type { head += "\r\nContent-Type: \(type)" }
            data += Data("\(head)\r\n\r\n".utf8) + part.data + Data("\r\n".utf8)
        }
        return (data + Data("--\(boundary)--\r\n".utf8), "multipart/form-data; boundary=\(boundary)")
    }

    /// A header's text: as it is if it is plain, else as RFC 2047 has it.
    private static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?")
        return isPlain ? text : "=?UTF-8?B?\(Data(text.utf8).base64EncodedString())?="
    }
}

import Foundation
package import WireFormat

/// Makes the HTTP paths of the small pictures that the daemon keeps with its history of embeddings.
package enum PicturePath {
    package static let path = "/history/picture"
    package static let arguments: [Schema.Property] = [
        .init("stream", .text(1...160), required: true, "A stream, or a region of one."),
        .init("at", .moment, required: true, "The nearest picture within 10 s of this time is answered."),
    ]

    /// Returns the path, with its query string, of the picture of a stream nearest to `wall`, in seconds since 1970.
    package static func of(_ stream: String, at wall: Double) -> String {
        let name = stream.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let time = "\(Moment(secondsSince1970: wall))".replacingOccurrences(of: ":", with: "%3A")
        return "/api/v1\(path)?stream=\(name)&at=\(time)"
    }
}

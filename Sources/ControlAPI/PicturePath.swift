import Foundation
package import WireFormat

/// Where a picture of the history is served.
package enum PicturePath {
    package static let path = "/history/picture"
    package static let arguments: [Schema.Property] = [
        .init("stream", .text(1...160), required: true, "A stream, or a region of one."),
        .init("at", .moment, required: true, "The nearest picture within 10 s of this time is answered."),
    ]

    /// The path with its arguments; a name has no characters that a URL has a use for but "/".
    package static func of(_ stream: String, at wall: Double) -> String {
        let name = stream.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let time = "\(Moment(secondsSince1970: wall))".replacingOccurrences(of: ":", with: "%3A")
        return "/api/v1\(path)?stream=\(name)&at=\(time)"
    }
}

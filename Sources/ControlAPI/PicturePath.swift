import Foundation
package import WireFormat

/// The HTTP path of a picture of the history.
package enum PicturePath {
    package static let path = "/history/picture"
    package static let arguments: [Schema.Property] = [
        .init("stream", .text(1...160), required: true, "A stream, or a region of one."),
        .init("at", .moment, required: true, "The nearest picture within 10 s of this time is answered."),
    ]

    /// Returns the path for a stream and a time; of a name's characters, only "/" has a meaning in a URL.
    package static func of(_ stream: String, at wall: Double) -> String {
        let name = stream.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let time = "\(Moment(secondsSince1970: wall))".replacingOccurrences(of: ":", with: "%3A")
        return "/api/v1\(path)?stream=\(name)&at=\(time)"
    }
}

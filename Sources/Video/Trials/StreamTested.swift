package import Foundation
import Sampling

/// The answer of `stream.test`: what plays of a source, or why nothing does.
package struct StreamTested: Codable, Sendable {
    package var plays = false
    /// Why it does not play; nil if it does.
    package var reason: String?
    package var live: Bool?
    package var codec: String?
    package var decoder: String?
    package var width: Int?
    package var height: Int?
    package var fps: Double?
    /// The seconds from the opening to the first picture.
    package var seconds: Double?
    /// The first picture, a JPEG file, in Base64.
    package var picture: Data?

    package init(_ outcome: SourceTrial.Outcome) {
        switch outcome {
        case .fails(let why): reason = why
        case .plays(let found):
            plays = true
            (live, fps, picture) = (found.isLive, found.fps, found.jpeg)
            (codec, decoder) = (found.format.codec, found.format.decoder)
            (width, height) = (found.format.width, found.format.height)
            seconds = (found.seconds * 100).rounded() / 100
        }
    }
}

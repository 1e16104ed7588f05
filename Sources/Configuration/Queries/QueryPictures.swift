import Foundation
package import Matching
package import Pixels
import StreamSources

/// Decodes a query's example pictures for the image encoder.
package enum QueryPictures {
    /// Decodes and crops the query's pictures; throws an error with the query and the picture if one fails.
    ///
    /// It blocks while decoding, so call it on a thread that may wait.
    package static func decode(_ query: StandingQuery, framing: Framing) throws(QueryError) -> [Picture] {
        var pictures: [Picture] = []
        for image in query.images {
            do {
                pictures.append(try StillImage.picture(bytes: Data(image.encoded), shown: image.name, framing: framing))
            } catch {
                throw QueryError(query.id, key: "images", "\(error)")
            }
        }
        return pictures
    }
}

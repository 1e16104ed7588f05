import Foundation
package import Matching
package import Pixels
import StreamSources

/// Prepares a query's example pictures for the image tower.
package enum QueryPictures {
    /// Decodes the pictures; the error for one that fails names the query and the picture.
    ///
    /// It waits for decoders, so the caller must be allowed to wait.
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

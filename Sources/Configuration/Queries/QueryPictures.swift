import Foundation
package import Matching
package import Pixels
import StreamSources

/// A query's example pictures, ready for the image tower.
package enum QueryPictures {
    /// Decodes them; one that cannot be is said by the query's id and its name.
    ///
    /// Waits for decoders: call it where waiting is allowed.
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

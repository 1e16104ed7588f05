package enum PictureHealth: String, Sendable, Codable { case good, black, frozen, blurred }

import SystemSupport

/// Comparisons of a query with its earlier version, whose event or learnt threshold it may continue.
extension StandingQuery {
    /// Returns true if the other query has the same scores and kind of threshold, so that a learnt threshold fits it.
    package func isLearntLike(_ other: StandingQuery) -> Bool {
        text == other.text && phrasings == other.phrasings && images == other.images && head == other.head
            && frames == other.frames && rule == other.rule && settings.prompts == other.settings.prompts
    }

    /// Returns a digest of all that determines the query's scores: what `isLearntLike` compares, but for the rule, and
    /// the model.
    ///
    /// It is saved with a learnt threshold, to be compared at the next start. `model` names the model and its
    /// preprocessing.
    package func scoresDigest(model: String) -> String {
        var digest = FNV1a()
        // Each part is hashed with its length, so that different lists never agree.
        func add(_ bytes: some Collection<UInt8>) {
            for byte in "\(bytes.count):".utf8 { digest.mix(byte) }
            for byte in bytes { digest.mix(byte) }
        }
        let numbers = [frames, phrasings.count, settings.prompts.count].map { "\($0)" }
        for part in [model, head, text] + numbers + phrasings + settings.prompts { add(part.utf8) }
        for image in images { add(image.encoded) }
        return String(digest.hash, radix: 16)
    }

    /// Returns true if the other query matches the same windows and belongs to the same group.
    ///
    /// Then it can continue this query's open event.
    package func isDecidedLike(_ other: StandingQuery) -> Bool {
        let (policy, theirs) = (settings.policy, other.settings.policy)
        return isLearntLike(other) && settings.group == other.settings.group && policy.needed == theirs.needed
            && policy.windows == theirs.windows
    }
}

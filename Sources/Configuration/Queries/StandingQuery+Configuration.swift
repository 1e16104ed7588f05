import Foundation
package import Matching
package import WireFormat

extension QueryConfiguration {
    /// The query's threshold rule from its keys; nil if it has none, so that the model's default threshold applies.
    package var rule: ThresholdRule? {
        if let against {
            return .contrast(
                against: against, probability: probability.map { Float($0) } ?? ThresholdRule.defaultProbability)
        }
        if let falseAlertsPerDay { return .budget(falseAlertsPerDay: falseAlertsPerDay) }
        return threshold.map { .score(Float($0)) }
    }

    /// Returns a complete query, with the given defaults for missing keys; throws if a key is invalid.
    ///
    /// `scores` is the kind of the query's scores, which determines the default hysteresis.
    package func standing(
        id: String, head: String, scores: ScoreKind, frames: Int, rule: ThresholdRule, prompts: [String]
    ) throws(QueryError) -> StandingQuery {
        var settings = StandingQuery.Settings()
        settings.prompts = self.prompts ?? prompts
        settings.tags = tags ?? []
        settings.metadata = metadata ?? [:]
        settings.policy = policy(rule, scores)
        settings.group = group
        settings.priority = priority ?? 0
        settings.expires = expires?.secondsSince1970
        settings.enabled = enabled ?? true
        settings.snapshot = snapshot ?? true
        settings.clips = clips ?? true
        var pictures: [QueryImage] = []
        do throws(QueryPartError) {
            if let streams { settings.selector = try StreamSelector(streams) }
            if let active {
                var rules: [ActiveHours.Rule] = []
                for part in active { rules.append(try part.rule()) }
                settings.activeHours = ActiveHours(rules)
            }
            for uri in images ?? [] { pictures.append(try PictureURI.decode(uri)) }
        } catch {
            throw QueryError(id, error)
        }
        return try StandingQuery(
            id: id, text: text, phrasings: phrasings ?? [], images: pictures, head: head, frames: frames, rule: rule,
            settings: settings)
    }

    private func policy(_ rule: ThresholdRule, _ scores: ScoreKind) -> EventPolicy {
        var policy = EventPolicy(
            hysteresis: hysteresis.map { Float($0) } ?? EventPolicy.hysteresis(of: rule, scores: scores),
            minimumDuration: minimumDuration ?? 0, needed: confirm?.need ?? 1, of: confirm?.of ?? 1,
            cooldown: cooldown ?? 0)
        if let step = update?.step { policy.updateStep = Float(step) }
        if let interval = update?.interval { policy.updateInterval = interval }
        return policy
    }

    /// Makes a configuration that reads as the same query again, whatever the model's defaults are.
    ///
    /// If `pictures` is false, the pictures, which may be large, are left out.
    package init(_ query: StandingQuery, pictures: Bool = true) {
        let (settings, policy) = (query.settings, query.settings.policy)
        self.init(id: query.id, text: query.text, head: query.head)
        phrasings = query.phrasings.isEmpty ? nil : query.phrasings
        images = query.images.isEmpty || !pictures ? nil : query.images.map(PictureURI.encode)
        prompts = settings.prompts
        tags = settings.tags.isEmpty ? nil : settings.tags
        metadata = settings.metadata.isEmpty ? nil : settings.metadata
        frames = query.frames
        switch query.rule {
        case .score(let threshold): self.threshold = threshold.shortest
        case .contrast(let texts, let probability):
            against = texts
            self.probability = probability.shortest
        case .budget(let alerts): falseAlertsPerDay = alerts
        }
        hysteresis = policy.hysteresis.shortest
        minimumDuration = policy.minimumDuration == 0 ? nil : policy.minimumDuration
        confirm = policy.windows == 1 ? nil : Confirmation(need: policy.needed, of: policy.windows)
        cooldown = policy.cooldown == 0 ? nil : policy.cooldown
        let usual = EventPolicy()
        if policy.updateStep != usual.updateStep || policy.updateInterval != usual.updateInterval {
            update = UpdatePolicy(step: policy.updateStep.shortest, interval: policy.updateInterval)
        }
        streams = settings.selector == .all ? nil : settings.selector.patterns
        active = settings.activeHours == .always ? nil : settings.activeHours.rules.map(ActivePart.init)
        group = settings.group
        priority = settings.priority == 0 ? nil : settings.priority
        expires = settings.expires.map { Moment(secondsSince1970: $0) }
        enabled = settings.enabled ? nil : false
        snapshot = settings.snapshot ? nil : false
        clips = settings.clips ? nil : false
    }

    /// Returns this query with the keys of a JSON object changed; null resets a key to its default.
    ///
    /// A new threshold, of whatever kind, replaces the old one. The id does not change. Throws if the result is
    /// invalid.
    package func changed(by changes: JSONValue) throws -> QueryConfiguration {
        guard case .object(let changes) = changes else { throw QueryError(id ?? "", "changes are keys and values") }
        var values = json
        if changes.contains(where: { QueryKey.rules.contains($0.key) && $0.value != .null }) {
            for key in QueryKey.rules where changes[key] == nil { values[key] = nil }
            if changes["against"] == nil || changes["against"] == .null { values["probability"] = nil }
        }
        // Null stays, so that the name of a key that there is not is refused.
        for (key, value) in changes where key != "id" { values[key] = value }
        return try QueryConfiguration(json: .object(values))
    }
}

package import SystemSupport

/// Writes captions for claims (statements about a scene), in fixed canonical words or in random ones.
package struct Captioner {
    /// The random source for the choice of words; nil always chooses the canonical words.
    private var random: SeededRandom?

    package static var canonical: Captioner { Captioner(random: nil) }

    package static func varied(_ random: SeededRandom) -> Captioner { Captioner(random: random) }

    private init(random: SeededRandom?) { self.random = random }

    package mutating func caption(_ claim: Claim) -> String {
        switch claim.kind {
        case .scene(let state): return one(of: Wording.state(state))
        case .pair(let a, let b, let relation):
            let verb = relation.map { " " + one(of: Wording.relation($0)) } ?? ""
            if a.saysNothing && b.saysNothing { return "two " + one(of: ["shapes", "objects", "things"]) + verb }
            let (first, second) = (noun(a), noun(b))
            return (chance(0.5) ? second + " and " + first : first + " and " + second) + verb
        case .single(let part): return single(part)
        }
    }

    private mutating func single(_ part: Claim.Part) -> String {
        let noun = noun(part)
        let position = part.position.map(Wording.position)
        if let action = part.action {
            if part.from != nil || part.to != nil { return noun + " " + change(part) }
            return noun + (position.map { " " + one(of: $0) } ?? "") + " " + one(of: Wording.action(action))
        }
        if let position { return noun + " " + one(of: ["", "", "is "]) + one(of: position) }
        guard chance(0.12), noun.hasPrefix("a") else { return noun }
        return one(of: ["there is ", "a picture of ", "a video of "]) + noun
    }

    private mutating func change(_ part: Claim.Part) -> String {
        switch (part.from, part.to) {
        case (let from?, let to?): one(of: ["changes", "turns", "goes"]) + " from \(from.name) to \(to.name)"
        case (nil, let to?): one(of: ["turns", "becomes", "changes to", "is turning"]) + " " + to.name
        case (let from?, nil): "changes from \(from.name) to another colour"
        case (nil, nil): one(of: Wording.action(.change))
        }
    }

    private mutating func noun(_ part: Claim.Part) -> String {
        if part.shape == nil, part.size == nil, part.colour == nil || one(of: [false, true]) {
            return "something" + (part.colour.map { " " + one(of: Wording.colour($0)) } ?? "")
        }
        var words: [String] = []
        if let size = part.size { words.append(one(of: Wording.size(size))) }
        if let colour = part.colour { words.append(one(of: Wording.colour(colour))) }
        words.append(one(of: part.shape.map(Wording.shape) ?? ["shape", "shape", "object", "thing"]))
        let article = random?.choice(["a", "the", ""], weights: [6, 3, 2]) ?? "a"
        let isVowel = words[0].first.map { "aeiou".contains($0) } ?? false
        return ([article == "a" && isVowel ? "an" : article] + words).filter { !$0.isEmpty }.joined(separator: " ")
    }

    private mutating func one<T>(of items: [T]) -> T { random?.choice(items) ?? items[0] }

    private mutating func chance(_ probability: Double) -> Bool { random?.chance(probability) ?? false }
}

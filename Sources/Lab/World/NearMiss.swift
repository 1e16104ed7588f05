package import SystemSupport

extension Claim {
    /// Returns a copy of this claim with one property changed at random, which is usually false of the same window.
    ///
    /// Captions of such claims are negatives in training. Without them, models did not learn directions of movement.
    package func nearMiss(_ random: inout SeededRandom) -> Claim {
        switch kind {
        case .scene(let state): return Claim(.scene(random.choice(SceneState.allCases.filter { $0 != state })))
        case .pair(let a, let b, let relation):
            if let relation, random.chance(0.55) { return Claim(.pair(a, b, relation == .meet ? .apart : .meet)) }
            return random.chance(0.5)
                ? Claim(.pair(a, b.nearMiss(&random), relation)) : Claim(.pair(a.nearMiss(&random), b, relation))
        case .single(let part): return Claim(.single(part.nearMiss(&random)))
        }
    }
}

extension Claim.Part {
    private enum Field { case shape, colour, size, position, action, from, to }

    fileprivate func nearMiss(_ random: inout SeededRandom) -> Claim.Part {
        var fields: [Field] = []
        if shape != nil { fields.append(.shape) }
        if colour != nil { fields.append(.colour) }
        if size != nil { fields.append(.size) }
        if position != nil { fields += [.position, .position] }
        if action != nil { fields += [.action, .action, .action, .action] }
        if from != nil { fields.append(.from) }
        if to != nil { fields.append(.to) }
        var part = self
        switch fields.isEmpty ? .shape : random.choice(fields) {
        case .shape: part.shape = random.choice(Shape.allCases)
        case .colour: part.colour = random.choice(Colour.allCases)
        case .size: part.size = random.choice(Size.allCases)
        case .position: part.position = random.choice(Position.allCases)
        case .from: part.from = random.choice(Colour.allCases)
        case .to: part.to = random.choice(Colour.allCases)
        case .action:
            guard let action else { break }
            part.action = Self.otherAction(than: action, &random)
            if part.action != action { (part.from, part.to) = (nil, nil) }
        }
        return part
    }

    private static func otherAction(than action: Action, _ random: inout SeededRandom) -> Action {
        if Action.moves.contains(action) {
            if random.chance(0.4), let opposite = action.opposite { return opposite }
            return random.choice(random.chance(0.75) ? Action.moves : Action.allCases)
        }
        if random.chance(0.5), let opposite = action.opposite { return opposite }
        return random.choice(Action.allCases)
    }
}

extension Action {
    /// The action in the opposite direction, such as `shrink` for `grow`; nil for actions without a direction.
    package var opposite: Action? {
        switch self {
        case .moveLeft: .moveRight
        case .moveRight: .moveLeft
        case .moveUp: .moveDown
        case .moveDown: .moveUp
        case .grow: .shrink
        case .shrink: .grow
        case .appear: .disappear
        case .disappear: .appear
        case .still, .spin, .blink, .change, .move: nil
        }
    }
}

/// One thing that an operator can set: its name, default, allowed range and a sentence about it.
///
/// A module declares its keys beside the settings they fill. The default is the one that the
/// settings' own `init()` gives; everything else that shows or reads a key derives from this.
public struct ConfigurationKey<Settings>: Sendable {
    public let name: String
    public let defaultText: String
    /// What may be set, in words: `1KiB ... 1GiB`, `true | false`.
    public let allowedText: String
    public let sentence: String
    private let set: @Sendable (String, inout Settings) -> Bool
    private let read: @Sendable (Settings) -> String

    /// A key whose value lies in a range.
    public init<Value: ConfigurationValue & Comparable>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Value> & Sendable,
        of settings: Settings,
        in range: ClosedRange<Value>,
        _ sentence: String
    ) {
        self.init(
            name,
            path,
            of: settings,
            allowed:
                "\(range.lowerBound.configurationText) ... \(range.upperBound.configurationText)",
            sentence
        ) { range.contains($0) }
    }

    /// A key whose value is checked by `accepts`; `allowed` says in words what that takes.
    public init<Value: ConfigurationValue>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Value> & Sendable,
        of settings: Settings,
        allowed: String,
        _ sentence: String,
        accepts: @escaping @Sendable (Value) -> Bool = { _ in true }
    ) {
        self.name = name
        self.sentence = sentence
        defaultText = settings[keyPath: path].configurationText
        allowedText = allowed
        set = { text, settings in
            guard let value = Value(configurationText: text), accepts(value) else { return false }
            settings[keyPath: path] = value
            return true
        }
        read = { $0[keyPath: path].configurationText }
    }

    private init(
        name: String,
        defaultText: String,
        allowedText: String,
        sentence: String,
        set: @escaping @Sendable (String, inout Settings) -> Bool,
        read: @escaping @Sendable (Settings) -> String
    ) {
        self.name = name
        self.defaultText = defaultText
        self.allowedText = allowedText
        self.sentence = sentence
        self.set = set
        self.read = read
    }

    /// The value in these settings.
    public func text(in settings: Settings) -> String { read(settings) }

    /// Reads `text` into the settings. False, with the settings as they were, when it is not a
    /// value that this key allows.
    public func apply(_ text: String, to settings: inout Settings) -> Bool {
        set(text, &settings)
    }

    /// The same key of larger settings that hold these.
    public func inside<Whole>(
        _ path: any WritableKeyPath<Whole, Settings> & Sendable
    ) -> ConfigurationKey<Whole> {
        let (set, read) = (set, read)
        return ConfigurationKey<Whole>(
            name: name,
            defaultText: defaultText,
            allowedText: allowedText,
            sentence: sentence,
            set: { text, whole in set(text, &whole[keyPath: path]) },
            read: { read($0[keyPath: path]) }
        )
    }
}

// BrokerConfiguration fills the modules' settings from a YAML file, the environment and flags.
//
// Start at `ConfigurationReader`. It knows no key of its own: whoever builds the broker hands it
// the modules' key tables. Later sources win: default < file < environment < flag. An unknown key
// or a value out of range is an error that names its place and the nearest real key, and nothing
// is taken over. This is the only module that imports Yams.

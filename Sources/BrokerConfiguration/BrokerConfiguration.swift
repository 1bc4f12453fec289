// BrokerConfiguration fills the modules' settings from a YAML file, the environment and flags.
//
// Start at `ConfigurationReader`. It knows no key of its own: whoever builds the broker hands it
// the modules' keys, and their tables, which are lists of maps and come from a file only. Later
// sources win: default < file < environment < flag. An unknown key or a value out of range is an
// error that names its place and the nearest real key, and nothing is taken over. This is the only
// module that imports Yams.

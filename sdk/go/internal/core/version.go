package core

// Version of the client; build.sh and the modules of the frameworks have the same.
const Version = "0.1.0"

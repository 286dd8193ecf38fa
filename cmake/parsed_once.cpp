// Carries the precompiled header of the rooms: see Rooms.cmake.
